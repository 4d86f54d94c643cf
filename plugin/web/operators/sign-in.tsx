// Asks for the token once and keeps it for this tab.

import { useState } from "preact/hooks";

export function SignIn({ fault, onToken }: { fault: string | null; onToken: (token: string) => void }) {
  const [token, setToken] = useState("");
  return (
    <main class="sign-in">
      <section aria-labelledby="sign-in">
        <h1 id="sign-in">scimguard for operators</h1>
        <p>See what the guard decided, why, and what is left to do.</p>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (token.trim() !== "") {
              onToken(token.trim());
            }
          }}
        >
          <label for="token">The admin token from the guard's configuration</label>
          <input
            id="token"
            type="password"
            autocomplete="off"
            spellcheck={false}
            value={token}
            aria-invalid={fault !== null}
            aria-describedby="token-note"
            onInput={(event) => setToken(event.currentTarget.value)}
          />
          <button type="submit">Open</button>
          <p id="token-note" class={fault === null ? "quiet" : "fault"} role={fault === null ? undefined : "alert"}>
            {fault ?? "The token is kept until this tab is closed and sent only to this address."}
          </p>
        </form>
      </section>
    </main>
  );
}
