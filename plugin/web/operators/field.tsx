// A form control with its label above it.

export function Field({ id, name, children }: { id: string; name: string; children: preact.ComponentChildren }) {
  return (
    <div class="field">
      <label for={id}>{name}</label>
      {children}
    </div>
  );
}
