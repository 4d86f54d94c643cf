// The policy, and the time of the decision.

import { Editor } from "./editor";
import { lineColumn, type Mark } from "./marks";
import type { State } from "./state";

interface Properties {
  state: State;
  marks: Mark[];
  onChange(state: State): void;
}

export function PolicyPanel({ state, marks, onChange }: Properties) {
  const time = (now: string) => {
    const { now: _, ...present } = state;
    onChange(now.trim() === "" ? present : { ...state, now });
  };
  const isTime = state.now === undefined || !Number.isNaN(Date.parse(state.now));
  return (
    <section aria-labelledby="policy">
      <h2 id="policy">The policy</h2>
      <p class="quiet">The policy document of your guard. Empty: the preset “harness”.</p>
      <div class="policy">
        <Editor
          label="The policy"
          value={state.policy}
          marks={marks}
          onChange={(policy) => onChange({ ...state, policy })}
        />
      </div>
      <div class="notes" aria-live="polite">
        {marks.map((mark, index) => {
          const { line, column } = lineColumn(state.policy, mark.from);
          return (
            <p class="fault" key={index}>
              Line {line}, column {column}: {mark.message}
            </p>
          );
        })}
      </div>
      <p>
        <label>
          The time of the decision{" "}
          <input
            type="text"
            placeholder="now"
            spellcheck={false}
            aria-invalid={!isTime}
            value={state.now ?? ""}
            onInput={(event) => time(event.currentTarget.value)}
          />
        </label>{" "}
        <span class="quiet">such as 2026-06-01T00:00:00Z; empty: now</span>
      </p>
    </section>
  );
}
