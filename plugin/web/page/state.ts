// What is on the page: everything that somebody has typed or picked, and nothing that follows from it.

/** An entry of a facts document (a token, a principal, a user, a group, a member). */
export type Entry = Record<string, unknown>;

export const TABLES = ["users", "groups", "members", "tokens", "principals"] as const;
export type TableName = (typeof TABLES)[number];

/** A facts document: the tables that are shown, and what else it holds. */
export type Facts = Record<TableName, Entry[]> & Record<string, unknown>;

export interface Step {
  /** Raw HTTP, a curl command, or JSON. */
  text: string;
  /** The application's answer as JSON, `null` for no answer; absent: one is made up. */
  answer?: string;
}

export interface State {
  steps: Step[];
  /** Index of the step that is shown. */
  shown: number;
  policy: string;
  facts: Facts;
  /** The time of the decision in RFC 3339; absent: the present. */
  now?: string;
}

/** A facts document of any text's value, with every table there. */
export function factsOf(value: unknown): Facts {
  const given = typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  const tables = TABLES.map((name) => [name, Array.isArray(given[name]) ? given[name] : []]);
  return { ...given, ...Object.fromEntries(tables) };
}
