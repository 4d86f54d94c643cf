// A control of a form with its name above it.

export function Field({ id, name, children }: { id: string; name: string; children: preact.ComponentChildren }) {
  return (
    <div class="field">
      <label for={id}>{name}</label>
      {children}
    </div>
  );
}
