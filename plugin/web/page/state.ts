// The state of the page: everything typed or selected, and nothing derived from it.

/** An entry of a facts document (a token, a principal, a user, a group, a member). */
export type Entry = Record<string, unknown>;

export const TABLES = ["users", "groups", "members", "tokens", "principals"] as const;
export type TableName = (typeof TABLES)[number];

/** A facts document: the tables shown, and any other fields. */
export type Facts = Record<TableName, Entry[]> & Record<string, unknown>;

export interface Step {
  /** Raw HTTP, a curl command, or JSON. */
  text: string;
  /** The application's answer as JSON; `null` for no answer; made up if absent. */
  answer?: string;
}

export interface State {
  steps: Step[];
  /** Index of the step shown. */
  shown: number;
  policy: string;
  facts: Facts;
  /** The time of the decision in RFC 3339; now if absent. */
  now?: string;
}

/** Makes a facts document with every table from any JSON value. */
export function factsOf(value: unknown): Facts {
  const given = typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  const tables = TABLES.map((name) => [name, Array.isArray(given[name]) ? given[name] : []]);
  return { ...given, ...Object.fromEntries(tables) };
}
