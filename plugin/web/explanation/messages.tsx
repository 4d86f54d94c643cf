// The forwarded requests, the response to the sender, and the guard's records.

import type { Answer, Explained, Message } from "./explained";
import { print } from "./places";

/** Lines of a body shown at most; the request shows it in full. */
const MOST_LINES = 400;

export function Forwarded({ forwarded }: { forwarded: Message[] }) {
  return (
    <section aria-labelledby="forwarded">
      <h2 id="forwarded">Forwarded request</h2>
      {forwarded.length === 0 && <p>Nothing: the request ends here.</p>}
      {forwarded.length > 1 && <p>{forwarded.length} requests, in this order:</p>}
      {forwarded.map((message, index) => (
        <Text
          key={index}
          label={`Request ${index + 1} to the application`}
          first={`${message.method} ${message.path}`}
          headers={message.headers}
          body={message.body}
        />
      ))}
    </section>
  );
}

export function Response({ response }: { response: Answer | null }) {
  return (
    <section aria-labelledby="response">
      <h2 id="response">What the sender gets</h2>
      {response ? (
        <Text
          label="The answer to the sender"
          first={String(response.status)}
          headers={response.headers}
          body={response.body}
        />
      ) : (
        <p>That depends on the application's answer.</p>
      )}
    </section>
  );
}

interface TextProperties {
  label: string;
  first: string;
  headers: [string, string][];
  body: string | null;
}

function Text({ label, first, headers, body }: TextProperties) {
  const named = headers.map(([name, value]) => `${name}: ${value}`);
  const lines = body === null ? [] : ["", ...print(body).lines];
  const shown = [first, ...named, ...lines.slice(0, MOST_LINES)];
  const more = lines.length - MOST_LINES;
  return (
    <pre class="message" tabIndex={0} role="region" aria-label={label}>
      {shown.join("\n")}
      {more > 0 && `\n… ${more} more lines`}
    </pre>
  );
}

type Recorded = Explained["records"][number];

export function Records({ records }: { records: Recorded[] }) {
  return (
    <section aria-labelledby="records">
      <h2 id="records">What the guard records</h2>
      {records.length === 0 ? (
        <p>Nothing.</p>
      ) : (
        <>
          <ol class="records">
            {records.map((record, index) => (
              <li key={index}>{sentence(record, records.slice(index + 1))}</li>
            ))}
          </ol>
          <details>
            <summary>The records as JSON</summary>
            <pre class="message" tabIndex={0} role="region" aria-label="The records as JSON">
              {records.map((record) => JSON.stringify(record, null, 2)).join("\n")}
            </pre>
          </details>
        </>
      )}
    </section>
  );
}

/** A record in words; `later` are the records after it. */
function sentence(recorded: Recorded, later: Recorded[]): string {
  const record: Recorded & Record<string, unknown> = { ...recorded };
  const text = (name: string) => (typeof record[name] === "string" ? (record[name] as string) : "");
  const kind = text("kind").toLowerCase() || "resource";
  const owner = text("managed_by") === "" ? "the application's own" : `${text("managed_by")}'s`;
  const state = record.pending === true ? ", until the application has answered" : "";
  switch (record.record) {
    case "intent":
      return `The ${kind} “${text("display_name") || text("user_name") || text("key")}” is about to be created and counts as ${text("provider")}'s from now on.`;
    case "settle":
      return `If the ${kind} “${text("key")}” was still being created, it has the id “${text("id")}”.`;
    case "withdraw":
      return `If the ${kind} “${text("key")}” was still being created, it was not created.`;
    case "user":
      return `The user “${text("user_name")}” (${text("id")}) is ${owner}, ${record.active === false ? "deactivated" : "active"}${state}.`;
    case "group":
      return `The group “${text("display_name")}” (${text("id")}) is ${owner}${state}.`;
    case "member":
      return `“${text("user")}” is ${record.present === false ? "no longer" : ""} in the group “${text("group")}”${state}.`.replace(
        "  ",
        " ",
      );
    case "members":
      return `In the group “${text("group")}” are: ${(record.users as string[]).join(", ")}.`;
    case "failed":
      return `“${text("user")}” was not ${record.present === false ? "removed from" : "added to"} the group “${text("group")}”. The change will be retried.`;
    case "remove-user":
      return removed("user", text("id"), later);
    case "remove-group":
      return removed("group", text("id"), later);
    default:
      return record.record;
  }
}

/** Describes a removal, which may make room for a new record of the same id. */
function removed(kind: "user" | "group", id: string, later: Recorded[]): string {
  const isAgain = later.some((record) => record.record === kind && "id" in record && record.id === id);
  return isAgain
    ? `What was known of an earlier ${kind} “${id}” is forgotten.`
    : `The ${kind} “${id}” is gone, and all memberships with it.`;
}
