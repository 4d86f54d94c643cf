// Lists membership changes that the application did not make, with buttons to repeat them.

import { useEffect, useState } from "preact/hooks";

import type { Api, Retry } from "./api";
import { count, moment } from "./words";

/** Polling intervals in milliseconds: while a repeat is in progress, and otherwise. */
const SOON = 700;
const LATER = 10_000;

interface Ledger {
  retries: Retry[];
  all: number;
}

export function Retries({ api }: { api: Api }) {
  const [ledger, setLedger] = useState<Ledger | null>(null);
  const [waited, setWaited] = useState<Retry[]>([]);
  const [said, setSaid] = useState("");
  const [fault, setFault] = useState<string | null>(null);

  const isWaiting = waited.length > 0 || (ledger?.retries.some(({ asked }) => asked !== null) ?? false);
  useEffect(() => {
    let isOver = false;
    const look = () =>
      api.get<Ledger>("retries").then(
        (found) => {
          if (!isOver) {
            setFault(null);
            setLedger(found);
          }
        },
        (error: Error) => setFault(error.message),
      );
    void look();
    const again = setInterval(() => void look(), isWaiting ? SOON : LATER);
    return () => {
      isOver = true;
      clearInterval(again);
    };
  }, [api, isWaiting]);

  useEffect(() => {
    const over = waited.filter((change) => !isAsked(ledger, change));
    if (over.length > 0 && ledger !== null) {
      setSaid(over.map((change) => outcome(ledger, change)).join(" "));
      setWaited(waited.filter((change) => !over.includes(change)));
    }
  }, [ledger]);

  const repeat = (changes: Retry[], body: unknown) => {
    setSaid(`Asking the guard to repeat ${count(changes.length, "change")} …`);
    api.post<{ asked: number }>("retries", body).then(
      () => {
        const asked = (row: Retry) => (changes.some((change) => same(change, row)) ? { ...row, asked: Date.now() } : row);
        setLedger((old) => old && { ...old, retries: old.retries.map(asked) });
        setWaited((old) => [...old, ...changes]);
      },
      (error: Error) => setFault(error.message),
    );
  };
  const rows = ledger?.retries ?? [];
  return (
    <>
      <p>
        Membership changes by the provider that the application did not make. Each is decided again with current
        facts; changes that are no longer needed are dropped.
      </p>
      <div class="actions">
        <button type="button" disabled={rows.length === 0} onClick={() => repeat(rows, {})}>
          Repeat all
        </button>
        <p role="status">{said}</p>
      </div>
      {fault && (
        <p class="fault" role="alert">
          {fault}
        </p>
      )}
      <div class="scrolled list" aria-busy={ledger === null} tabIndex={0} role="region" aria-label="Retries">
        <table>
          <caption class="visually-hidden">Retries, oldest first</caption>
          <thead>
            <tr>
              <th scope="col">Since</th>
              <th scope="col">Account</th>
              <th scope="col">Change</th>
              <th scope="col">Answer</th>
              <th scope="col">Tried</th>
              <th scope="col">Token</th>
              <th scope="col">
                <span class="visually-hidden">Action</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={keyOf(row)}>
                <td>{moment(row.first_seen)}</td>
                <td>{row.account}</td>
                <td>{words(row)}</td>
                <td>{row.status ?? "none"}</td>
                <td class="number">{row.attempts}</td>
                <td>{row.token}</td>
                <td>
                  <button
                    type="button"
                    class="small"
                    disabled={row.asked !== null}
                    aria-label={`Repeat: ${words(row)}`}
                    onClick={() => repeat([row], keys(row))}
                  >
                    {row.asked === null ? "Repeat" : "Asked …"}
                  </button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
        {ledger !== null && rows.length === 0 && <p class="none">Nothing to retry.</p>}
        {ledger !== null && ledger.all > rows.length && (
          <p class="quiet">{count(ledger.all - rows.length, "more recent change")} not shown.</p>
        )}
      </div>
    </>
  );
}

function words({ user, group, scope, present }: Retry): string {
  const where = scope === "" ? group : `${group} of ${scope}`;
  return present ? `add ${user} to ${where}` : `remove ${user} from ${where}`;
}

function keys({ account, scope, group, user }: Retry) {
  return { account, scope, group, user };
}

function keyOf(row: Retry): string {
  return Object.values(keys(row)).join("\n");
}

function same(one: Retry, other: Retry): boolean {
  return keyOf(one) === keyOf(other);
}

function isAsked(ledger: Ledger | null, change: Retry): boolean {
  return ledger?.retries.some((row) => same(row, change) && row.asked !== null) ?? true;
}

function outcome(ledger: Ledger, change: Retry): string {
  const left = ledger.retries.find((row) => same(row, change));
  return left
    ? `It failed again: ${words(change)} (${left.status ?? "no answer"}).`
    : `Removed from the list (done or no longer needed): ${words(change)}.`;
}
