// The request's text, its errors, and the application's answer.

import { useRef } from "preact/hooks";

import { Editor } from "./editor";
import { lineColumn } from "./marks";
import type { Form } from "./reading";
import type { Step } from "./state";
import type { Told } from "./tell";

const FORMS: Record<Form, string> = {
  http: "Read as a raw HTTP request.",
  curl: "Read as a curl command.",
  json: "Read as a request in JSON.",
};

interface Properties {
  step: Step;
  told: Told | null;
  onChange(step: Step): void;
}

export function RequestPanel({ step, told, onChange }: Properties) {
  const goTo = useRef<((offset: number) => void) | null>(null);
  const marks = told?.marks ?? [];
  return (
    <section aria-labelledby="request">
      <h2 id="request">The request</h2>
      <p class="quiet">Paste raw HTTP, a curl command, or JSON.</p>
      <Editor
        label="The request"
        value={step.text}
        marks={marks}
        goTo={goTo}
        onChange={(text) => onChange({ ...step, text })}
      />
      <div class="notes" aria-live="polite">
        {marks.map((mark, index) => {
          const { line, column } = lineColumn(step.text, mark.from);
          return (
            <p class="fault" key={index}>
              <button type="button" class="small" onClick={() => goTo.current?.(mark.from)}>
                Line {line}, column {column}
              </button>{" "}
              {mark.message}
            </p>
          );
        })}
        {told?.repaired && (
          <p>
            <button type="button" onClick={() => onChange({ ...step, text: told.repaired ?? "" })}>
              Make it a request
            </button>{" "}
            <span class="quiet">Then set the path to the one that failed.</span>
          </p>
        )}
        {told?.form && marks.length === 0 && <p class="quiet">{FORMS[told.form]}</p>}
      </div>
      <AnswerField step={step} told={told} onChange={onChange} />
    </section>
  );
}

function MadeUp({ text }: { text: string | null }) {
  return text === null ? (
    <p class="quiet">Nothing: the guard forwards no request.</p>
  ) : (
    <pre class="message" tabIndex={0} role="region" aria-label="The made-up answer">
      {text}
    </pre>
  );
}

/** Chooses the application's answer to a forwarded request. */
function AnswerField({ step, told, onChange }: Properties) {
  const { answer: _, ...madeUp } = step;
  const choice = step.answer === undefined ? "made-up" : step.answer.trim() === "null" ? "none" : "given";
  const choose = (choice: string) => {
    if (choice === "made-up") {
      onChange(madeUp);
    } else {
      onChange({ ...step, answer: choice === "none" ? "null" : (told?.madeUp ?? '{ "status": 500 }') });
    }
  };
  return (
    <details class="answer" open={step.answer !== undefined}>
      <summary>What the application answers</summary>
      <p>
        <label>
          The application{" "}
          <select value={choice} onChange={(event) => choose(event.currentTarget.value)}>
            <option value="made-up">answers as usual (made up)</option>
            <option value="given">answers this</option>
            <option value="none">does not answer</option>
          </select>
        </label>
      </p>
      {choice === "given" ? (
        <textarea
          aria-label="The application's answer, as JSON with status and body"
          rows={8}
          spellcheck={false}
          value={step.answer}
          onInput={(event) => onChange({ ...step, answer: event.currentTarget.value })}
        />
      ) : (
        choice === "made-up" && <MadeUp text={told?.madeUp ?? null} />
      )}
      {told?.answerFault && (
        <p class="fault" role="alert">
          {told.answerFault}
        </p>
      )}
    </details>
  );
}
