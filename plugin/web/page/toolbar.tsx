// Loads an example, shares the state as a link, saves it as a case, and opens a case.

import type { ComponentChildren } from "preact";

import { EXAMPLES } from "./examples";
import type { State } from "./state";
import { fromSuite } from "./suite";

interface Properties {
  /** Index of the example shown, while unchanged; otherwise -1. */
  example: number;
  canSave: boolean;
  note: ComponentChildren;
  onPick(example: number): void;
  onOpen(state: State | null): void;
  onShare(): void;
  onSave(): void;
}

export function Toolbar({ example, canSave, note, onPick, onOpen, onShare, onSave }: Properties) {
  const senders = [...new Set(EXAMPLES.map(({ sender }) => sender))];
  const open = async (input: HTMLInputElement) => {
    const text = await input.files?.[0]?.text();
    input.value = "";
    if (text !== undefined) {
      onOpen(fromSuite(text));
    }
  };
  return (
    <div class="toolbar">
      <label>
        Example{" "}
        <select value={String(example)} onChange={(event) => onPick(Number(event.currentTarget.value))}>
          <option value="-1" disabled>
            your own
          </option>
          {senders.map((sender) => (
            <optgroup key={sender} label={sender}>
              {EXAMPLES.map((one, index) =>
                one.sender === sender ? (
                  <option key={index} value={String(index)}>
                    {one.title}
                  </option>
                ) : null,
              )}
            </optgroup>
          ))}
        </select>
      </label>
      <span class="buttons">
        <button type="button" onClick={onShare}>
          Share as a link
        </button>
        <button type="button" onClick={onSave} disabled={!canSave}>
          Save as a case
        </button>
        <label class="button">
          Open a case
          <input
            type="file"
            class="visually-hidden"
            accept=".json,application/json"
            onChange={(event) => void open(event.currentTarget)}
          />
        </label>
      </span>
      <div class="note" role="status">
        {note}
      </div>
    </div>
  );
}
