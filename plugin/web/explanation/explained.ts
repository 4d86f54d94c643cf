// What is told about one decision? The data of the explanation view, wherever the decision comes
// from: the page makes it from what was typed, the operators' page from what was recorded.

import type { Comparison } from "./comparison";

/** A request, as received or as forwarded. */
export interface Message {
  method: string;
  path: string;
  headers: [string, string][];
  /** The exact text; null: no body. */
  body: string | null;
}

/** An answer, as the client gets it. */
export interface Answer {
  status: number;
  headers: [string, string][];
  body: string | null;
}

/** One normalisation: a `normalise.…` rule, where, and what was done. */
export interface Change {
  rule: string;
  path: string;
  detail: string;
}

/** A line of the rule table. */
export interface Rule {
  id: string;
  status: number | null;
  scimType: string | null;
  doc: string;
  source: string;
}

export type StageName = "route" | "token" | "parse" | "normalise" | "permit" | "write";

export interface Stage {
  stage: StageName;
  outcome: "passed" | "refused" | "not-reached";
}

export interface Explained {
  /** `respond`: each part of the request was answered in its place. */
  decision: "forward" | "reject" | "respond";
  /** What refused it; of a forwarded one, what would have but for `mode: "monitor"`. */
  rule: string | null;
  /** What the refusal says to do. */
  detail: string | null;
  stages: Stage[];
  received: Message;
  /** What the application gets, one after the other; a Bulk request becomes several. */
  forwarded: Message[];
  changes: Change[];
  /** Received and forwarded side by side; null where nothing is forwarded. */
  comparison: Comparison | null;
  /** What the client gets; null while the application's answer is awaited. */
  response: Answer | null;
  /** As the guard's store gets them. */
  records: { record: string }[];
}
