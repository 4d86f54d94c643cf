// The verdict in one sentence, and the way of the request through the guard's stages.

import type { Explained, Rule, Stage, StageName } from "./explained";

export function Verdict({ explained, rules }: { explained: Explained; rules: ReadonlyMap<string, Rule> }) {
  const { decision, rule, detail } = explained;
  const isThrough = decision === "forward";
  return (
    <section class={`verdict ${isThrough ? "good" : "bad"}`} aria-labelledby="verdict">
      <h2 id="verdict">
        <span class="mark" aria-hidden="true">
          {isThrough ? "✓" : "✕"}
        </span>{" "}
        {sentence(explained)}
      </h2>
      {detail && <p class="detail">{detail}</p>}
      {rule && <RuleNote id={rule} rule={rules.get(rule)} />}
    </section>
  );
}

/** The verdict, as one would say it. */
export function sentence({ decision, rule, response, received, forwarded, changes }: Explained): string {
  if (decision === "reject") {
    return `The guard refuses this request. The sender gets ${response?.status ?? "an error"}.`;
  }
  if (decision === "respond") {
    return "The guard answers this request itself: nothing of it goes to the application.";
  }
  if (rule !== null) {
    return `The guard only watches (“mode”: “monitor”) and lets this request through. It would refuse it by ${rule}.`;
  }
  const isRead = received.method !== "GET" && forwarded.every(({ method }) => method === "GET");
  if (isRead) {
    return "Nothing is left of this request that would change anything. The guard reads the resource instead.";
  }
  if (changes.length === 0) {
    return "The guard lets this request through as it is.";
  }
  const count = changes.length === 1 ? "one change" : `${changes.length} changes`;
  return `The guard lets this request through after ${count}.`;
}

function RuleNote({ id, rule }: { id: string; rule: Rule | undefined }) {
  return (
    <dl class="rule">
      <dt>Rule</dt>
      <dd>
        <code>{id}</code>
      </dd>
      {rule && (
        <>
          <dt>Why there is such a rule</dt>
          <dd>{rule.doc}</dd>
          <dt>Source</dt>
          <dd>{rule.source}</dd>
        </>
      )}
    </dl>
  );
}

const QUESTIONS: Record<StageName, string> = {
  route: "Which end point is it?",
  token: "Is it the right token for this account?",
  parse: "Is the body one clear JSON text?",
  normalise: "Is it SCIM, and in which form does it go on?",
  permit: "May the sender change this?",
  write: "What does the application get?",
};

const OUTCOMES = { passed: "passed", refused: "refused here", "not-reached": "not reached" };

export function Stages({ stages }: { stages: Stage[] }) {
  return (
    <section aria-labelledby="stages">
      <h2 id="stages">The way through the guard</h2>
      <ol class="stages">
        {stages.map(({ stage, outcome }) => (
          <li key={stage} class={outcome}>
            <strong>{stage}</strong>
            <span class="outcome">{OUTCOMES[outcome]}</span>
            <span class="question">{QUESTIONS[stage]}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}
