// The page: the input on one side, the guard's verdict on the other.

import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";

import { Explanation, sentence } from "../explanation";
import type { Rule } from "../explanation/explained";
import { EXAMPLES } from "./examples";
import { FactsTables } from "./facts-tables";
import { GuardThread } from "./guard-thread";
import { fromFragment, toFragment } from "./link";
import { PolicyPanel } from "./policy-panel";
import { RequestPanel } from "./request-panel";
import { mask } from "./secrets";
import type { State } from "./state";
import { Steps } from "./steps";
import type { Story } from "./tell";
import { Toolbar } from "./toolbar";

/** The example shown to first-time visitors. */
const FIRST = EXAMPLES.findIndex(({ title }) => title === "Rename a pushed group");

export function App({ linked }: { linked: State | null }) {
  const [state, setState] = useState<State>(linked ?? exampleState(FIRST));
  const [example, setExample] = useState(linked ? -1 : FIRST);
  const [note, setNote] = useState<preact.ComponentChildren>(null);
  const guard = useGuard(state, setNote);
  const { story } = guard;
  const told = story?.steps ?? [];
  const shown = told[state.shown] ?? null;
  const step = state.steps[state.shown] ?? { text: "" };

  const change = useCallback((next: State) => {
    setState(next);
    setExample((before) => (isExample(next, before) ? before : -1));
  }, []);
  const replace = useCallback((next: State, example: number) => {
    setState(next);
    setExample(example);
    setNote(null);
  }, []);

  useEffect(() => {
    const follow = async () => {
      const linked = await fromFragment(location.hash.slice(1));
      if (linked) {
        replace(linked, -1);
      }
    };
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);

  const share = async () => {
    const masked = await mask(state);
    const fragment = await toFragment(masked.state);
    history.replaceState(null, "", `#${fragment}`);
    // The clipboard is not always available, so the link is shown as well.
    const isCopied = await navigator.clipboard?.writeText(location.href).then(
      () => true,
      () => false,
    );
    setNote(<Link href={location.href} isCopied={isCopied ?? false} replaced={masked.replaced} />);
  };

  return (
    <>
      <header class="top">
        <h1>Why was it denied?</h1>
        <p>
          Paste the request that failed, from Okta, Entra ID or an administrator. The page shows the
          guard's verdict, its reason and changes, and what to do. Nothing leaves this browser.
        </p>
        <Toolbar
          example={example}
          canSave={guard.isCurrent && told.every(({ explained }) => explained !== null)}
          note={note}
          onPick={(picked) => replace(exampleState(picked), picked)}
          onOpen={(opened) =>
            opened ? replace(opened, -1) : setNote(<p>This file holds no case for `scimguard test`.</p>)
          }
          onShare={() => void share()}
          onSave={() => guard.save(state)}
        />
        <Steps state={state} told={told} onChange={change} />
      </header>
      <main>
        <div class="asked">
          <RequestPanel
            key={state.shown}
            step={step}
            told={shown}
            onChange={(next) =>
              change({
                ...state,
                steps: state.steps.map((old, index) => (index === state.shown ? next : old)),
              })
            }
          />
        </div>
        <div class="said" aria-busy={!guard.isCurrent}>
          <p class="visually-hidden" role="status">
            {guard.isCurrent && shown?.explained && sentence(shown.explained)}
          </p>
          {!guard.isCurrent && story !== null && <p class="deciding">Deciding …</p>}
          {guard.failure ? (
            <p class="fault" role="alert">
              {guard.failure}
            </p>
          ) : story === null ? (
            <Loading share={guard.share} />
          ) : shown?.explained ? (
            <Explanation
              explained={shown.explained}
              rules={guard.rules}
              ownership={{ before: shown.before, after: shown.after }}
            />
          ) : (
            <Unjudged story={story} isItself={(shown?.marks.length ?? 0) > 0} />
          )}
        </div>
        <div class="known">
          <FactsTables
            facts={state.facts}
            fault={story?.factsFault ?? null}
            onChange={(facts) => change({ ...state, facts })}
          />
          <PolicyPanel state={state} marks={story?.policy ?? NONE} onChange={change} />
        </div>
      </main>
    </>
  );
}

const NONE: Story["policy"] = [];

function exampleState(index: number): State {
  return (EXAMPLES[index] as (typeof EXAMPLES)[number]).state;
}

/** Whether a state is still an unchanged example. */
function isExample(state: State, index: number): boolean {
  const example = EXAMPLES[index]?.state;
  return example?.steps === state.steps && example.facts === state.facts && example.policy === state.policy;
}

interface Guarded {
  share: number;
  rules: ReadonlyMap<string, Rule>;
  story: Story | null;
  /** Whether the story belongs to the current input. */
  isCurrent: boolean;
  failure: string | null;
  save(state: State): void;
}

/** Asks the guard about every state and keeps its latest answer. */
function useGuard(state: State, setNote: (note: preact.ComponentChildren) => void): Guarded {
  const [share, setShare] = useState(0);
  const [rules, setRules] = useState<ReadonlyMap<string, Rule>>(new Map());
  const [told, setTold] = useState<{ story: Story; state: State } | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  const thread = useRef<GuardThread | null>(null);
  const now = useMemo(() => (state.now === undefined ? Date.now() : Date.parse(state.now)), [state]);
  const time = Number.isNaN(now) ? Date.now() : now;
  useEffect(() => {
    thread.current = new GuardThread({
      loading: setShare,
      ready: setRules,
      told: (story, state) => {
        setFailure(null);
        setTold({ story, state });
      },
      suite: (text, replaced) => {
        download(text);
        setNote(<p>Saved as case.json, for `scimguard test`. {word(replaced)}</p>);
      },
      failed: setFailure,
    });
  }, []);
  useEffect(() => thread.current?.ask(state, time), [state, time]);
  const save = (state: State) => thread.current?.askForSuite(state, time);
  return { share, rules, story: told?.story ?? null, isCurrent: told?.state === state, failure, save };
}

function download(text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = "case.json";
  link.click();
  URL.revokeObjectURL(url);
}

function Loading({ share }: { share: number }) {
  return (
    <div class="loading">
      <label for="loading">The guard is being loaded …</label>
      <progress id="loading" max={1} value={share} />
    </div>
  );
}

function Unjudged({ story, isItself }: { story: Story; isItself: boolean }) {
  const why =
    story.policy.length > 0
      ? "The policy has an error. It is marked there."
      : story.factsFault
        ? "The facts have an error. It is shown there."
        : isItself
          ? "This is not a request yet. The problem is marked in the text."
          : "An earlier request cannot be judged, so this one cannot be either.";
  return (
    <section class="verdict open" aria-labelledby="verdict">
      <h2 id="verdict">There is nothing to judge</h2>
      <p>{why}</p>
    </section>
  );
}

function Link({ href, isCopied, replaced }: { href: string; isCopied: boolean; replaced: number }) {
  return (
    <p>
      {isCopied ? "The link is copied. " : ""}
      <a href={href}>The link</a> contains the request, the policy and the facts. Browsers send none
      of it to any server, but anyone with the link can read it. {word(replaced)}
    </p>
  );
}

function word(replaced: number): string {
  return replaced === 0
    ? "It contains no secrets."
    : `${replaced === 1 ? "One secret was" : `${replaced} secrets were`} replaced by a fake one, the same everywhere, so that the verdict stays the same.`;
}
