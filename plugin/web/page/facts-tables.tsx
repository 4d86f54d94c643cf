// Editable tables of facts: users, groups, members, tokens and principals.

import type { Entry, Facts, TableName } from "./state";

interface Column {
  name: string;
  label: string;
  kind: "text" | "check" | "list";
  /** The value of a checkbox whose field is absent. */
  absent?: boolean;
}

const text = (name: string, label: string): Column => ({ name, label, kind: "text" });

const TITLES: Record<TableName, { title: string; one: string; columns: Column[]; hint: string }> = {
  users: {
    title: "Users",
    one: "user",
    hint: "“Managed by” names the provider that provisioned the user. Empty: the application's own.",
    columns: [
      text("id", "Id"),
      text("userName", "User name"),
      text("managed_by", "Managed by"),
      { name: "active", label: "Active", kind: "check", absent: true },
      text("displayName", "Display name"),
      text("externalId", "External id"),
      text("account", "Account"),
    ],
  },
  groups: {
    title: "Groups",
    one: "group",
    hint: "“Managed by” names the provider that pushed the group. Empty: the application's own.",
    columns: [
      text("id", "Id"),
      text("displayName", "Display name"),
      text("managed_by", "Managed by"),
      text("externalId", "External id"),
      text("account", "Account"),
    ],
  },
  members: {
    title: "Members",
    one: "member",
    hint: "Which user is in which group, by their ids.",
    columns: [text("group", "Group"), text("user", "User"), text("account", "Account")],
  },
  tokens: {
    title: "Tokens",
    one: "token",
    hint: "The token's text, or its SHA-256. A token with a provider acts as that provider.",
    columns: [
      text("token", "Token"),
      text("token_sha256", "or SHA-256"),
      text("account", "Account"),
      text("principal", "Principal"),
      text("provider", "Provider"),
      text("expires", "Expires"),
      { name: "revoked", label: "Revoked", kind: "check", absent: false },
    ],
  },
  principals: {
    title: "Principals",
    one: "principal",
    hint: "The users and service accounts that tokens belong to, with their permissions.",
    columns: [
      text("account", "Account"),
      text("id", "Id"),
      text("kind", "Kind"),
      { name: "active", label: "Active", kind: "check", absent: true },
      { name: "permissions", label: "Permissions", kind: "list" },
    ],
  },
};

const OPEN: TableName[] = ["users", "groups", "members"];

interface Properties {
  facts: Facts;
  /** Such as `tokens[0]: expires: …`; null if there is none. */
  fault: string | null;
  onChange(facts: Facts): void;
}

export function FactsTables({ facts, fault, onChange }: Properties) {
  return (
    <section class="facts" aria-labelledby="facts">
      <h2 id="facts">Facts</h2>
      {fault && (
        <p class="fault" role="alert">
          {fault}
        </p>
      )}
      {(Object.keys(TITLES) as TableName[]).map((name) => (
        <Table
          key={name}
          name={name}
          entries={facts[name]}
          faulty={faultyRow(fault, name)}
          onChange={(entries) => onChange({ ...facts, [name]: entries })}
        />
      ))}
    </section>
  );
}

interface TableProperties {
  name: TableName;
  entries: Entry[];
  faulty: number | null;
  onChange(entries: Entry[]): void;
}

function Table({ name, entries, faulty, onChange }: TableProperties) {
  const { title, one, columns, hint } = TITLES[name];
  const replace = (index: number, entry: Entry) =>
    onChange(entries.map((old, at) => (at === index ? entry : old)));
  return (
    <details class="facts-table" open={OPEN.includes(name) || faulty !== null}>
      <summary>
        {title} <span class="quiet">({entries.length})</span>
      </summary>
      <p class="quiet">{hint}</p>
      <div class="scrolled" tabIndex={0} role="region" aria-label={`${title}, a table`}>
        <table>
          <thead>
            <tr>
              {columns.map((column) => (
                <th key={column.name} scope="col">
                  {column.label}
                </th>
              ))}
              <th scope="col">
                <span class="visually-hidden">Remove</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {entries.map((entry, index) => (
              <tr key={index}>
                {columns.map((column) => (
                  <td key={column.name}>
                    <Cell
                      column={column}
                      label={`${column.label} of ${one} ${index + 1}`}
                      isFaulty={index === faulty}
                      value={entry[column.name]}
                      onChange={(value) => replace(index, changed(entry, column.name, value))}
                    />
                  </td>
                ))}
                <td>
                  <button
                    type="button"
                    class="small"
                    aria-label={`Remove ${one} ${index + 1}`}
                    onClick={() => onChange(entries.filter((_, at) => at !== index))}
                  >
                    ✕
                  </button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <button type="button" class="small" onClick={() => onChange([...entries, fresh(entries)])}>
        Add a {one}
      </button>
    </details>
  );
}

interface CellProperties {
  column: Column;
  label: string;
  isFaulty: boolean;
  value: unknown;
  onChange(value: unknown): void;
}

function Cell({ column, label, isFaulty, value, onChange }: CellProperties) {
  if (column.kind === "check") {
    const checked = typeof value === "boolean" ? value : (column.absent ?? false);
    return (
      <input
        type="checkbox"
        aria-label={label}
        checked={checked}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
    );
  }
  const shown = Array.isArray(value) ? value.join(", ") : String(value ?? "");
  const typed = (typed: string) =>
    onChange(
      column.kind === "list"
        ? typed
            .split(",")
            .map((item) => item.trim())
            .filter(Boolean)
        : typed,
    );
  // Lists are read when the field loses focus; otherwise a comma just typed would be lost.
  const listens =
    column.kind === "list"
      ? { onChange: (event: { currentTarget: HTMLInputElement }) => typed(event.currentTarget.value) }
      : { onInput: (event: { currentTarget: HTMLInputElement }) => typed(event.currentTarget.value) };
  return (
    <input
      type="text"
      aria-label={label}
      aria-invalid={isFaulty}
      size={Math.max(8, Math.min(shown.length, 28))}
      spellcheck={false}
      autocomplete="off"
      value={shown}
      {...listens}
    />
  );
}

/** Removes the field if its value is empty. */
function changed(entry: Entry, name: string, value: unknown): Entry {
  const { [name]: before, ...rest } = entry;
  if (value !== "") {
    return { ...entry, [name]: value };
  }
  return before === null ? entry : rest;
}

/** A new row, with the account of the existing ones. */
function fresh(entries: Entry[]): Entry {
  return { account: entries[0]?.account ?? "ACC1" };
}

function faultyRow(fault: string | null, name: TableName): number | null {
  const [, table, index] = /^(?:facts: )?(\w+)\[(\d+)\]/.exec(fault ?? "") ?? [];
  return table === name ? Number(index) : null;
}
