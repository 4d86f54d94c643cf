// The data of the explanation view for one decision. The page makes it from the typed request, the
// operators' page from the recorded one.

import type { Comparison } from "./comparison";

/** A request, as received or as forwarded. */
export interface Message {
  method: string;
  path: string;
  headers: [string, string][];
  /** The exact text; null without a body. */
  body: string | null;
}

/** The response sent to the client. */
export interface Answer {
  status: number;
  headers: [string, string][];
  body: string | null;
}

/** One normalisation: its `normalise.…` rule, the place, and what changed. */
export interface Change {
  rule: string;
  path: string;
  detail: string;
}

/** A row of the rule table. */
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
  /** `respond`: the guard answered each part of the request itself. */
  decision: "forward" | "reject" | "respond";
  /** The rule that denied it, or, with `mode: "monitor"`, would have denied it. */
  rule: string | null;
  /** What to do instead, as the refusal says. */
  detail: string | null;
  stages: Stage[];
  received: Message;
  /** The forwarded requests in order; a Bulk request becomes several. */
  forwarded: Message[];
  changes: Change[];
  /** Received and forwarded side by side; null if nothing is forwarded. */
  comparison: Comparison | null;
  /** The response to the client; null until the application has answered. */
  response: Answer | null;
  /** The records, in the form that the guard's store takes. */
  records: { record: string }[];
}
