// The list of requests: selects the one shown, gives each one's verdict, and adds and removes requests.

import { useMemo } from "preact/hooks";

import { titleOf } from "./reading";
import type { State } from "./state";
import type { Told } from "./tell";

interface Properties {
  state: State;
  told: Told[];
  onChange(state: State): void;
}

export function Steps({ state, told, onChange }: Properties) {
  const { steps, shown } = state;
  const add = () => {
    const text = steps[shown]?.text ?? "";
    const more = [...steps.slice(0, shown + 1), { text }, ...steps.slice(shown + 1)];
    onChange({ ...state, steps: more, shown: shown + 1 });
  };
  const remove = () => {
    const fewer = steps.filter((_, index) => index !== shown);
    onChange({ ...state, steps: fewer, shown: Math.min(shown, fewer.length - 1) });
  };
  return (
    <nav class="steps" aria-label="Requests in a row">
      <ol>
        {steps.map(({ text }, index) => (
          <li key={index}>
            <button
              type="button"
              aria-current={index === shown ? "step" : undefined}
              onClick={() => onChange({ ...state, shown: index })}
            >
              <span class="number">{index + 1}</span> <Title text={text} /> <Fate told={told[index]} />
            </button>
          </li>
        ))}
      </ol>
      <span class="buttons">
        <button type="button" class="small" onClick={add}>
          Add a request after this one
        </button>
        <button type="button" class="small" onClick={remove} disabled={steps.length === 1}>
          Remove this request
        </button>
      </span>
    </nav>
  );
}

function Title({ text }: { text: string }) {
  const title = useMemo(() => titleOf(text), [text]);
  return <span>{title}</span>;
}

function Fate({ told }: { told: Told | undefined }) {
  if (!told?.explained) {
    return <span class="fate">not judged</span>;
  }
  const isThrough = told.explained.decision === "forward";
  return (
    <span class={`fate ${isThrough ? "good" : "bad"}`}>{isThrough ? "✓ allowed" : "✕ denied"}</span>
  );
}
