// Before and after, side by side: marks every differing line and names its change.

import type { Comparison, Line, Row, Skipped } from "./comparison";
import type { Change, Rule } from "./explained";

interface Properties {
  comparison: Comparison;
  changes: Change[];
  rules: ReadonlyMap<string, Rule>;
}

export function Differences({ comparison, changes, rules }: Properties) {
  const isSame = comparison.parts.every((part) => "skipped" in part || part.isSame);
  return (
    <section aria-labelledby="differences">
      <h2 id="differences">Before and after</h2>
      {isSame ? (
        <p>The request is forwarded byte for byte as received.</p>
      ) : (
        <div class="scrolled" tabIndex={0} role="region" aria-label="Before and after, side by side">
          <table class="differences">
            <colgroup>
              <col class="numbers" />
              <col />
              <col class="numbers" />
              <col />
              <col class="reasons" />
            </colgroup>
            <thead>
              <tr>
                <th scope="col" colSpan={2}>
                  Received
                </th>
                <th scope="col" colSpan={2}>
                  Forwarded
                </th>
                <th scope="col">Why</th>
              </tr>
            </thead>
            <tbody>
              {comparison.parts.map((part, index) =>
                "skipped" in part ? (
                  <Gap key={index} part={part} />
                ) : (
                  <Pair key={index} row={part} changes={changes} />
                ),
              )}
            </tbody>
          </table>
        </div>
      )}
      <Changes changes={changes} rules={rules} />
    </section>
  );
}

function Gap({ part }: { part: Skipped }) {
  const words = part.skipped === 1 ? "1 more line" : `${part.skipped} more lines`;
  return (
    <tr class="gap">
      <td colSpan={5}>… {words}</td>
    </tr>
  );
}

function Pair({ row, changes }: { row: Row; changes: Change[] }) {
  return (
    <tr class={row.isSame ? "" : "differs"}>
      <Side line={row.left} name="removed" isSame={row.isSame} />
      <Side line={row.right} name="added" isSame={row.isSame} />
      <td class="why">
        {row.changes.map((index) => (
          <a key={index} href={`#${changeId(index)}`} title={changes[index]?.detail} onClick={goToTarget}>
            <span class="visually-hidden">change </span>
            {index + 1}
          </a>
        ))}
        {row.isHeader && !row.isSame && row.changes.length === 0 && <HeaderNote row={row} />}
      </td>
    </tr>
  );
}

function HeaderNote({ row }: { row: Row }) {
  const words = row.right === null ? "not forwarded" : row.left === null ? "added by the guard" : "rewritten";
  return <span class="quiet">{words}</span>;
}

function Side({ line, name, isSame }: { line: Line | null; name: "removed" | "added"; isSame: boolean }) {
  const Mark = name === "removed" ? "del" : "ins";
  const classes = line === null ? "none" : isSame ? "" : name;
  return (
    <>
      <td class={`number ${classes}`}>{line?.number}</td>
      <td class={`text ${classes}`}>
        {line?.pieces.map((piece, index) =>
          piece.isChanged ? <Mark key={index}>{piece.text}</Mark> : <span key={index}>{piece.text}</span>,
        )}
      </td>
    </>
  );
}

/** The changes, numbered as in the table. */
export function Changes({ changes, rules }: { changes: Change[]; rules: ReadonlyMap<string, Rule> }) {
  if (changes.length === 0) {
    return null;
  }
  return (
    <ol class="changes">
      {changes.map((change, index) => (
        <li key={index} id={changeId(index)} tabIndex={-1}>
          <code>{change.path}</code>: {change.detail}
          <span class="quiet">
            {" "}
            <code>{change.rule}</code> {rules.get(change.rule)?.doc}
          </span>
        </li>
      ))}
    </ol>
  );
}

function changeId(index: number): string {
  return `change-${index + 1}`;
}

/** Scrolls without touching the address, whose fragment may hold the page's state. */
function goToTarget(event: MouseEvent): void {
  event.preventDefault();
  const link = event.currentTarget as HTMLAnchorElement;
  document.getElementById(link.hash.slice(1))?.focus();
}
