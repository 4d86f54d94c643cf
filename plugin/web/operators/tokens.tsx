// Lists the guard's own tokens that expire soon, with the command that replaces each.

import { useEffect, useState } from "preact/hooks";

import type { Api, Token } from "./api";
import { Field } from "./field";
import { moment, relative } from "./words";

const PERIODS = [7, 14, 30, 90, 365];

interface Told {
  now: number;
  tokens: Token[];
  /** Path of the guard's configuration file on its machine. */
  config: string | null;
}

export function Tokens({ api }: { api: Api }) {
  const [days, setDays] = useState(14);
  const [told, setTold] = useState<Told | null>(null);
  const [fault, setFault] = useState<string | null>(null);
  useEffect(() => {
    api.get<Told>("tokens/expiring", { days }).then(
      (found) => {
        setFault(null);
        setTold(found);
      },
      (error: Error) => setFault(error.message),
    );
  }, [api, days]);
  const tokens = told?.tokens ?? [];
  return (
    <>
      <form class="filters" aria-label="Tokens" onSubmit={(event) => event.preventDefault()}>
        <Field id="days" name="Expiring within">
          <select id="days" value={days} onChange={(event) => setDays(Number(event.currentTarget.value))}>
            {PERIODS.map((period) => (
              <option key={period} value={period}>
                {period} days
              </option>
            ))}
          </select>
        </Field>
      </form>
      {fault && (
        <p class="fault" role="alert">
          {fault}
        </p>
      )}
      <div class="scrolled list" aria-busy={told === null} tabIndex={0} role="region" aria-label="Expiring tokens">
        <table>
          <caption class="visually-hidden">Tokens that expire within {days} days, soonest first</caption>
          <thead>
            <tr>
              <th scope="col">Expires</th>
              <th scope="col">Account</th>
              <th scope="col">Token</th>
              <th scope="col">Principal</th>
              <th scope="col">Provider</th>
              <th scope="col">Last used</th>
              <th scope="col">Replace it with</th>
            </tr>
          </thead>
          <tbody>
            {told &&
              tokens.map((token) => (
                <tr key={`${token.account}\n${token.id}`}>
                  <td>
                    <time dateTime={new Date(token.expires).toISOString()} title={moment(token.expires)}>
                      {relative(token.expires, told.now)}
                    </time>
                  </td>
                  <td>{token.account}</td>
                  <td>{token.id}</td>
                  <td>{token.principal}</td>
                  <td>{token.provider ?? "none"}</td>
                  <td>
                    {token.last_used === null
                      ? "never"
                      : `${relative(token.last_used, told.now)}${token.last_used_from ? ` from ${token.last_used_from}` : ""}`}
                  </td>
                  <td>
                    <code>{replacement(told.config, token)}</code>
                  </td>
                </tr>
              ))}
          </tbody>
        </table>
        {told !== null && tokens.length === 0 && <p class="none">No token expires within {days} days.</p>}
      </div>
    </>
  );
}

/** A command to paste on the guard's machine. */
function replacement(config: string | null, { account, id }: Token): string {
  const file = word(config ?? "scimguard.toml");
  return `scimguard token rotate --config ${file} --account ${word(account)} --id ${word(id)} --expires 90d`;
}

/** Quotes a word for the shell. */
function word(text: string): string {
  return /^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
