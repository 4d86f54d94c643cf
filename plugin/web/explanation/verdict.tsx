// The verdict in one sentence, and the stages that the request went through.

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

/** The verdict in one sentence. */
export function sentence({ decision, rule, response, received, forwarded, changes }: Explained): string {
  if (decision === "reject") {
    return `The guard denies this request. The sender gets ${response?.status ?? "an error"}.`;
  }
  if (decision === "respond") {
    return "The guard answers this request itself and forwards nothing to the application.";
  }
  if (rule !== null) {
    return `The guard only monitors (“mode”: “monitor”) and allows this request. It would deny it by ${rule}.`;
  }
  const isRead = received.method !== "GET" && forwarded.every(({ method }) => method === "GET");
  if (isRead) {
    return "This request would change nothing. The guard reads the resource instead.";
  }
  if (changes.length === 0) {
    return "The guard allows this request as it is.";
  }
  const count = changes.length === 1 ? "one change" : `${changes.length} changes`;
  return `The guard allows this request after ${count}.`;
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
          <dt>Meaning</dt>
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
  normalise: "Is it SCIM, and what is its canonical form?",
  permit: "May the sender change this?",
  write: "What is forwarded?",
};

const OUTCOMES = { passed: "passed", refused: "denied here", "not-reached": "not reached" };

export function Stages({ stages }: { stages: Stage[] }) {
  return (
    <section aria-labelledby="stages">
      <h2 id="stages">Stages</h2>
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
