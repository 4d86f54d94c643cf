// Explains one recorded decision as the explanation page does.

import { useEffect, useRef, useState } from "preact/hooks";

import { Explanation } from "../explanation";
import type { Rule } from "../explanation/explained";
import { GuardThread } from "../page/guard-thread";
import { toFragment } from "../page/link";
import type { State } from "../page/state";
import type { Told } from "../page/tell";
import type { Api, Decision, Filter } from "./api";
import { explainedAgain, explainedByRecord, stateOf } from "./recorded";
import { hashOf } from "./route";
import { duration, moment, VERDICTS } from "./words";

interface Properties {
  api: Api;
  id: number;
  filter: Filter;
  rules: ReadonlyMap<string, Rule>;
}

/** Why the decision cannot be repeated, and only the record is shown. */
const OMITTED: Record<string, string> = {
  management:
    "For the application's own API the guard records the edit and never the body, so this shows only the record.",
  large: "The request was too large to be recorded, so this shows only the record.",
  unreadable:
    "The body is not JSON, so the guard could not remove secrets and did not record it. This shows only the record.",
};

export function DecisionView({ api, id, filter, rules }: Properties) {
  const { decision, policy, fault } = useDecision(api, id);
  const state = decision && policy !== null ? stateOf(decision, policy) : null;
  return (
    <>
      <p>
        <a href={hashOf("decisions", filter)}>← All decisions</a>
      </p>
      {fault && (
        <p class="fault" role="alert">
          {fault}
        </p>
      )}
      <div class="decision" aria-busy={decision === null && fault === null}>
        {decision && <Summary decision={decision} />}
        {decision && policy !== null && <Explained decision={decision} state={state} rules={rules} />}
      </div>
    </>
  );
}

function Summary({ decision }: { decision: Decision }) {
  const { edit, explanation } = decision;
  const facts: [string, preact.ComponentChildren][] = [
    ["When", <time dateTime={new Date(decision.at).toISOString()}>{moment(decision.at)}</time>],
    ["Verdict", VERDICTS[decision.verdict]],
    ["Answer", answer(decision)],
    ["Account", decision.account ?? "not known"],
    ["Token", decision.token ?? "no verified token"],
    ...(edit ? ([["Edit", [edit.edit, edit.group, edit.user].filter(Boolean).join(" · ")]] as [string, string][]) : []),
    ["Request", <code>{`${decision.method} ${explanation.request?.path ?? decision.path}`}</code>],
  ];
  return (
    <section aria-labelledby="recorded">
      <h3 id="recorded">Record</h3>
      <dl class="pairs">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function answer({ status, micros, backend_micros }: Decision): string {
  if (status === null) {
    return "known to the gateway that forwarded it";
  }
  const application =
    backend_micros === 0 ? "the application was not asked" : `the application took ${duration(backend_micros)} of it`;
  return `${status} after ${duration(micros)}; ${application}`;
}

function Explained({ decision, state, rules }: { decision: Decision; state: State | null; rules: ReadonlyMap<string, Rule> }) {
  const { told, failure } = useGuard(state);
  const [link, setLink] = useState<string | null>(null);
  useEffect(() => {
    if (state) {
      void toFragment(state).then((fragment) => setLink(`../explain/#${fragment}`));
    }
  }, [decision.id]);
  const again = told ? explainedAgain(decision, told) : null;
  const rule = decision.rule === null ? undefined : rules.get(decision.rule);
  if (state !== null && again === null && failure === null && !told) {
    return <p class="none">Loading the guard to repeat the decision …</p>;
  }
  if (state === null || again === null || again.differs !== null) {
    const why =
      again?.differs != null
        ? `From the recorded data, the guard in this browser decides differently: ${again.differs}. This shows the record.`
        : (failure ?? OMITTED[decision.explanation.omitted ?? ""] ?? "The request was not recorded.");
    return (
      <>
        <p class="note">{why}</p>
        <Explanation explained={explainedByRecord(decision, rule)} rules={rules} />
        {link && <OpenThere link={link} />}
      </>
    );
  }
  const { explained } = again;
  return (
    <>
      <p class="note">
        Repeated in this browser from the recorded request, facts and policy. Secrets are replaced.
        {decision.explanation.facts_complete === false &&
          " Some facts, such as changes in progress, were not recorded."}
      </p>
      <Explanation
        explained={explained}
        rules={rules}
        {...(told ? { ownership: { before: told.before, after: told.after } } : {})}
      />
      {link && <OpenThere link={link} />}
    </>
  );
}

function OpenThere({ link }: { link: string }) {
  return (
    <p>
      <a href={link}>Edit this request on the explanation page</a>
    </p>
  );
}

function useDecision(api: Api, id: number) {
  const [decision, setDecision] = useState<Decision | null>(null);
  const [policy, setPolicy] = useState<string | null>(null);
  const [fault, setFault] = useState<string | null>(null);
  useEffect(() => {
    const read = async () => {
      const found = await api.get<Decision>(`decisions/${id}`);
      setDecision(found);
      setPolicy(await api.text(`policies/${found.policy}`));
    };
    read().catch((error: Error) => setFault(error.message));
  }, [api, id]);
  return { decision, policy, fault };
}

/** Runs the guard in this browser, loading it on first use. */
function useGuard(state: State | null) {
  const [told, setTold] = useState<Told | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  const thread = useRef<GuardThread | null>(null);
  const text = state === null ? null : JSON.stringify(state);
  useEffect(() => {
    if (state === null) {
      return;
    }
    thread.current ??= new GuardThread({
      loading: () => {},
      ready: () => {},
      told: (story) => setTold(story.steps[0] ?? null),
      suite: () => {},
      failed: setFailure,
    });
    thread.current.ask(state, Date.parse(state.now ?? ""));
  }, [text]);
  return { told, failure };
}
