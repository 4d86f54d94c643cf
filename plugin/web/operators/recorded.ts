// Turns a recorded decision into data of the explanation view: the guard in the browser repeats it if
// the request was recorded; otherwise the record alone is shown.

import type { Explained, Message, Rule, Stage, StageName } from "../explanation/explained";
import { factsOf, type State } from "../page/state";
import type { Told } from "../page/tell";
import type { Decision, RecordedRequest } from "./api";

/** The explanation page's state for a decision; null if its request was not recorded. */
export function stateOf(decision: Decision, policy: string): State | null {
  const { request, omitted, facts, now } = decision.explanation;
  if (!request || (omitted && omitted !== "unread")) {
    return null;
  }
  // The guard's response to an error of the application depends on the application's status.
  const { status } = decision;
  const failed = decision.verdict !== "reject" && status !== null && status >= 400;
  const answer = failed ? { answer: JSON.stringify({ status }) } : {};
  return {
    steps: [{ text: JSON.stringify(request), ...answer }],
    shown: 0,
    policy,
    facts: factsOf(facts),
    now: new Date(now ?? decision.at).toISOString(),
  };
}

/** The repeated decision, and how it differs from the recorded one. */
export function explainedAgain(decision: Decision, told: Told): { explained: Explained; differs: string | null } | null {
  if (told.explained === null) {
    return null;
  }
  const again = told.explained;
  const isThrough = again.decision === "forward";
  const wasThrough = decision.verdict !== "reject";
  // Refusals by the host do not come from the policy.
  const sameRule = again.rule === decision.rule || (isThrough && wasThrough);
  const differs =
    isThrough === wasThrough && sameRule
      ? null
      : again.rule === null
        ? "it would allow this request"
        : `it would apply ${again.rule}`;
  // Only the status of the application's answer was recorded.
  return { explained: isThrough ? { ...again, response: null } : again, differs };
}

/** The explanation from the record alone. */
export function explainedByRecord(decision: Decision, rule: Rule | undefined): Explained {
  const { changes, detail, request } = decision.explanation;
  const isThrough = decision.verdict !== "reject";
  const received = messageOf(request ?? { method: decision.method, path: decision.path, headers: {} });
  return {
    decision: isThrough ? "forward" : "reject",
    rule: decision.rule,
    detail: detail ?? null,
    stages: stagesOf(decision, rule),
    received,
    forwarded: isThrough ? [received] : [],
    changes: changes.map((change) => ({ ...change, detail: "" })),
    comparison: null,
    response: isThrough || decision.status === null ? null : { status: decision.status, headers: ruleHeader(decision), body: null },
    records: [],
  };
}

function ruleHeader({ rule }: Decision): [string, string][] {
  return rule === null ? [] : [["scimguard-rule", rule]];
}

export function messageOf({ method, path, headers, body_text }: RecordedRequest): Message {
  const named = Object.entries(headers).flatMap(([name, values]) =>
    [values].flat().map((value): [string, string] => [name, value]),
  );
  return { method, path, headers: named, body: body_text ?? null };
}

/** The stages of a request to the management API, which contains no SCIM. */
const STAGES: StageName[] = ["route", "token", "parse", "permit", "write"];

const FIRST_WORDS: [string, StageName][] = [
  ["route.", "route"],
  ["token.", "token"],
  ["body.", "parse"],
  ["okta-only.", "permit"],
  ["ownership.", "permit"],
  ["user.", "permit"],
];

function stagesOf({ verdict, rule, token }: Decision, known: (Rule & { stage?: StageName | null }) | undefined): Stage[] {
  // Without a verified token and without a token refusal, the request skipped the token stage.
  const stages = token === null && !rule?.startsWith("token.") ? STAGES.filter((stage) => stage !== "token") : STAGES;
  const refusing = known?.stage ?? FIRST_WORDS.find(([word]) => rule?.startsWith(word))?.[1];
  if (verdict !== "reject") {
    return stages.map((stage) => ({ stage, outcome: "passed" }));
  }
  const at = refusing === undefined ? -1 : stages.indexOf(refusing);
  if (at < 0) {
    return [];
  }
  return stages.map((stage, index) => ({
    stage,
    outcome: index < at ? "passed" : index === at ? "refused" : "not-reached",
  }));
}
