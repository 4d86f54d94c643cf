// Turns the page's state into a case for `scimguard test`, and back.

import { readableDocument } from "./documents";
import { httpText, isFaithful } from "./documents";
import { read, titleOf } from "./reading";
import { factsOf, type State, type Step } from "./state";
import type { Told } from "./tell";

type Json = Record<string, unknown>;

/** A suite of one case: the requests in a row, and the verdict on each. */
export function toSuite(state: State, told: Told[], now: number): string {
  const name = state.steps.map((step) => titleOf(step.text)).join(", then ");
  const steps = state.steps.map((step, index) => toStep(step, told[index] as Told));
  const [first] = steps;
  const isPlain = steps.length === 1 && first && first.upstream === undefined;
  const suite = {
    suite: name,
    ...(state.policy.trim() === "" ? {} : { policy: JSON.parse(state.policy) }),
    now: new Date(now).toISOString(),
    facts: withoutEmpty(state.facts),
    cases: [{ name, ...(isPlain ? first : { steps }) }],
  };
  return `${JSON.stringify(suite, null, 1)}\n`;
}

/** One step with its expectations; the guard must have judged it. */
function toStep(step: Step, { explained, madeUp }: Told): Json {
  const document = readableDocument(read(step.text));
  if (explained === null) {
    return { request: document, expect: {} };
  }
  const { decision, rule, response, forwarded, changes } = explained;
  const [first] = forwarded;
  const body = first?.body && isFaithful(first.body) ? { body: JSON.parse(first.body) } : {};
  const ids = [...new Set(changes.map((change) => change.rule))];
  const expect =
    decision === "forward" && forwarded.length === 1
      ? {
          decision,
          ...(rule ? { rule } : {}),
          method: first?.method,
          path: first?.path,
          ...body,
          changes: ids,
        }
      : decision === "forward"
        ? { decision }
        : { decision: "reject", rule, status: response?.status };
  const upstream = step.answer ?? madeUp ?? undefined;
  return {
    request: document,
    expect,
    ...(upstream === undefined
      ? {}
      : { upstream: JSON.parse(upstream), ...(response ? { response: { status: response.status } } : {}) }),
  };
}

/** Removes empty tables. */
function withoutEmpty(facts: State["facts"]): Json {
  return Object.fromEntries(
    Object.entries(facts).filter(([, entries]) => !Array.isArray(entries) || entries.length > 0),
  );
}

/** The first case of a suite; null if the text is not a suite. */
export function fromSuite(text: string): State | null {
  try {
    const suite = JSON.parse(text) as Json;
    const one = (suite.cases as Json[])[0] as Json;
    const steps = (one.steps as Json[] | undefined) ?? [one];
    const now = one.now ?? suite.now;
    return {
      steps: steps.map(fromStep),
      shown: 0,
      policy: suite.policy === undefined ? "" : JSON.stringify(suite.policy, null, 2),
      facts: merged(suite.facts, one.facts),
      ...(typeof now === "string" ? { now } : {}),
    };
  } catch {
    return null;
  }
}

function fromStep(step: Json): Step {
  const text = JSON.stringify(step.request, null, 2);
  const reading = read(text);
  return {
    text: reading.base64 === null ? httpText(readable(reading.request)) : text,
    ...(step.upstream === undefined ? {} : { answer: JSON.stringify(step.upstream, null, 2) }),
  };
}

function readable<T extends { body: string | null }>(request: T): T {
  const { body } = request;
  return body !== null && isFaithful(body)
    ? { ...request, body: JSON.stringify(JSON.parse(body), null, 2) }
    : request;
}

/** Adds a case's facts to its suite's; a fact with the same key replaces the suite's. */
function merged(suite: unknown, one: unknown): State["facts"] {
  const [base, more] = [factsOf(suite), factsOf(one)];
  const key = ({ account, id, group, user, token, token_sha256 }: Json) =>
    JSON.stringify([account, id, group, user, token ?? token_sha256]);
  const together = Object.entries(base).map(([name, entries]) => {
    const added = (more[name] ?? []) as Json[];
    const replaced = new Set(added.map(key));
    const kept = (entries as Json[]).filter((entry) => !replaced.has(key(entry)));
    return [name, [...kept, ...added]];
  });
  return factsOf({ ...more, ...Object.fromEntries(together) });
}
