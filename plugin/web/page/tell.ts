// Judges each request in order and derives everything that the page shows from its state.

import { Guard, type Ownership, type Played, type Stop } from "scimguard";

import { compare } from "../explanation/comparison";
import type { Explained } from "../explanation/explained";
import * as application from "./application";
import { requestDocument, httpText } from "./documents";
import { faults, type Mark, refused } from "./marks";
import { type Form, read, type Reading, Unreadable } from "./reading";
import type { State, Step } from "./state";

/** The result for one request. */
export interface Told {
  form: Form | null;
  /** Marks in the request's text. */
  marks: Mark[];
  /** If the text is only a body, the same with a request around it. */
  repaired: string | null;
  /** Null if this request or an earlier one cannot be read. */
  explained: Explained | null;
  /** The made-up answer of the application, as JSON. */
  madeUp: string | null;
  answerFault: string | null;
  before: Ownership;
  after: Ownership;
}

export interface Story {
  steps: Told[];
  policy: Mark[];
  factsFault: string | null;
}

/** Most requests that one can become; a Bulk request becomes one per operation. */
const MAX_ANSWERS = 300;

/** Judges the whole story. `now` is in milliseconds since 1970. */
export function tell(state: State, now: number): Story {
  const readings = state.steps.map((step) => readingOf(step.text));
  const facts = JSON.stringify(state.facts);
  const initial = ownership(state);
  const story: Story = {
    steps: readings.map((reading, index) => unexplained(reading, state.steps[index] as Step, initial, state)),
    policy: [],
    factsFault: null,
  };
  let guard: Guard;
  try {
    guard = configured(state.policy);
  } catch (error) {
    const told = isNamed(error, "PolicyError") ? (error as { faults?: [] }).faults : null;
    story.policy = faults(state.policy, told ?? [{ pointer: "", message: String(error) }]);
    return story;
  }
  const derives = derivesIds(state.policy);
  const play = (steps: Parameters<Guard["play"]>[1]) => guard.play(facts, steps, now);
  const passed: Parameters<Guard["play"]>[1] = [];
  let before = initial;
  for (const [index, reading] of readings.entries()) {
    const told = story.steps[index] as Told;
    told.before = before;
    if (reading instanceof Unreadable) {
      break;
    }
    const request = JSON.stringify(requestDocument(reading));
    let answers = givenAnswers(state.steps[index] as Step);
    let madeUp: application.MadeUp[] = [];
    let played: Played | undefined;
    try {
      for (let asked = 0; asked <= MAX_ANSWERS; asked++) {
        const upstream = answers.length > 0 ? { upstream: upstreamText(answers) } : {};
        played = play([...passed, { request, ...upstream }]).at(-1);
        const stop = played?.stops.at(-1);
        if (!played || played.response !== null || stop?.decision !== "forward") {
          break;
        }
        const made = application.answer(stop.request, played.ownership, played.account, derives);
        madeUp = [...madeUp, made];
        answers = [...answers, JSON.stringify(made)];
      }
    } catch (error) {
      if (isNamed(error, "InputError")) {
        fault(error as Error & { input: string }, told, story);
        break;
      }
      throw error;
    }
    if (!played) {
      break;
    }
    const upstream = answers.length > 0 ? { upstream: upstreamText(answers) } : {};
    passed.push({ request, ...upstream });
    told.explained = explained(reading, played);
    told.marks = refused(reading, told.explained, played.place);
    told.madeUp =
      madeUp.length > 0 ? JSON.stringify(madeUp.length === 1 ? madeUp[0] : madeUp, null, 2) : null;
    told.after = played.ownership;
    before = played.ownership;
  }
  return story;
}

/** The guard of the last call, reused because policies change less often than requests. */
let last: { policy: string; guard: Guard } | null = null;

function configured(policy: string): Guard {
  if (last?.policy !== policy) {
    const guard = new Guard(policy.trim());
    last?.guard.free();
    last = { policy, guard };
  }
  return last.guard;
}

function readingOf(text: string): Reading | Unreadable {
  try {
    return read(text);
  } catch (error) {
    if (error instanceof Unreadable) {
      return error;
    }
    throw error;
  }
}

/** The result without the guard's judgement. */
function unexplained(reading: Reading | Unreadable, step: Step, initial: Ownership, state: State): Told {
  const told: Told = {
    form: null,
    marks: [],
    repaired: null,
    explained: null,
    madeUp: null,
    answerFault: null,
    before: initial,
    after: initial,
  };
  if (!(reading instanceof Unreadable)) {
    return { ...told, form: reading.form };
  }
  const marks = [{ ...reading.at, message: reading.message }];
  return { ...told, marks, repaired: reading.bareBody ? withRequest(step.text, state) : null };
}

/** Wraps a body in the request that identity providers most often send. */
function withRequest(body: string, state: State): string {
  const token = state.facts.tokens.find((entry) => typeof entry.token === "string");
  const base = guardBase().replace("{account}", String(token?.account ?? "ACC1"));
  const isGroup = /core:2\.0:Group|"members|"display[Nn]ame"/.test(body) && !/core:2\.0:User/.test(body);
  const kind = isGroup ? "Groups" : "Users";
  const id = state.facts[isGroup ? "groups" : "users"][0]?.id ?? "ID";
  const isPatch = /"operations"/i.test(body);
  return httpText({
    method: isPatch ? "PATCH" : "POST",
    path: `${base}/${isPatch ? `${kind}/${id}` : kind}`,
    headers: [
      ["Authorization", `Bearer ${token?.token ?? "TOKEN"}`],
      ["Content-Type", "application/scim+json"],
    ],
    body,
  });
}

function guardBase(): string {
  return last?.guard.settings.scim_base ?? "/scim/v2/{account}";
}

function givenAnswers(step: Step): string[] {
  return step.answer === undefined ? [] : [step.answer];
}

/** One answer, or a list of them. A typed answer may already be a list. */
function upstreamText(answers: string[]): string {
  if (answers.length === 1) {
    return answers[0] as string;
  }
  return `[${answers.map((answer) => answer.trim().replace(/^\[([^]*)\]$/, "$1")).join(",")}]`;
}

function explained(reading: Reading, played: Played): Explained {
  const first = played.stops[0] as Stop;
  const forwarded = played.stops.flatMap((stop) => (stop.decision === "forward" ? [stop.request] : []));
  const isBulk = /\/Bulk\/?(?:\?|$)/.test(reading.request.path);
  // If there are several, the last one that is not a read.
  const main = forwarded.findLast(({ method }) => method !== "GET") ?? forwarded[0];
  return {
    decision: first.decision,
    rule: first.rule,
    detail: first.decision === "reject" ? first.detail : null,
    stages: played.stages,
    received: reading.request,
    forwarded,
    changes: played.changes,
    comparison: main && !isBulk ? compare(reading.request, main, played.changes) : null,
    response: played.response,
    records: played.records,
  };
}

function fault(error: Error & { input: string }, told: Told, story: Story): void {
  if (error.input === "facts") {
    story.factsFault = error.message;
  } else if (error.input === "upstream") {
    told.answerFault = error.message;
  } else {
    told.marks = [{ from: 0, to: 1, message: error.message }];
  }
}

function isNamed(error: unknown, name: string): boolean {
  return error instanceof Error && error.name === name;
}

/** Whether group ids are derived from names, as in the preset `harness`. */
function derivesIds(policy: string): boolean {
  return !/"preset"\s*:\s*"(?:generic|ipsie)"/.test(policy);
}

/** The ownership that the facts describe. */
function ownership({ facts }: State): Ownership {
  const text = (value: unknown) => (typeof value === "string" ? value : null);
  const common = (entry: Record<string, unknown>) => ({
    account: text(entry.account) ?? "",
    key: text(entry.id) ?? "",
    id: text(entry.id),
    displayName: text(entry.displayName),
    externalId: text(entry.externalId),
    managed_by: text(entry.managed_by),
    pending: false,
  });
  return {
    users: facts.users.map((entry) => ({
      ...common(entry),
      userName: text(entry.userName) ?? "",
      active: entry.active !== false,
    })),
    groups: facts.groups.map((entry) => ({ ...common(entry), scope: text(entry.scope) ?? "" })),
    members: facts.members.map((entry) => ({
      account: text(entry.account) ?? "",
      scope: text(entry.scope) ?? "",
      group: text(entry.group) ?? "",
      user: text(entry.user) ?? "",
      pending: false,
    })),
  };
}
