// A text editor with line numbers, undo, colours and error marks.
//
// It lives in a shadow tree, where CodeMirror adds its style sheet as an object. A strict
// Content-Security-Policy allows that, but not a style element.

import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { HighlightStyle, StreamLanguage, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { Annotation, EditorState } from "@codemirror/state";
import { drawSelection, EditorView, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { useEffect, useRef } from "preact/hooks";

import type { Mark } from "./marks";

/** Marks a change that was not typed. */
const fromOutside = Annotation.define<boolean>();

interface Properties {
  /** For screen readers; the visible heading has the same words. */
  label: string;
  value: string;
  marks: Mark[];
  onChange(value: string): void;
  /** Receives a function that moves the cursor. */
  goTo?: { current: ((offset: number) => void) | null };
}

export function Editor({ label, value, marks, onChange, goTo }: Properties) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const changed = useRef(onChange);
  changed.current = onChange;
  // Typed text comes back as the value, perhaps after further typing; such values are ignored.
  const told = useRef<string[]>([value]);

  useEffect(() => {
    const element = host.current as HTMLDivElement;
    const shadow = element.shadowRoot ?? element.attachShadow({ mode: "open" });
    const editor = new EditorView({
      state: EditorState.create({
        doc: value,
        extensions: [
          lineNumbers(),
          lintGutter(),
          history(),
          drawSelection(),
          EditorView.lineWrapping,
          // Tab leaves the editor, so that it does not trap keyboard users.
          keymap.of([...defaultKeymap, ...historyKeymap, ...lintKeymap]),
          StreamLanguage.define(request),
          syntaxHighlighting(colours),
          look,
          EditorView.domEventHandlers({ beforeinput: insert }),
          EditorView.contentAttributes.of({ "aria-label": label, spellcheck: "false", tabindex: "0" }),
          EditorView.updateListener.of((update) => {
            const isTyped = !update.transactions.some((transaction) => transaction.annotation(fromOutside));
            if (update.docChanged && isTyped) {
              const text = update.state.doc.toString();
              told.current.push(text);
              changed.current(text);
            }
          }),
        ],
      }),
      parent: shadow,
      root: shadow,
    });
    view.current = editor;
    if (goTo) {
      goTo.current = (offset) => {
        const anchor = Math.min(offset, editor.state.doc.length);
        editor.dispatch({ selection: { anchor }, scrollIntoView: true });
        editor.focus();
      };
    }
    return () => editor.destroy();
  }, []);

  useEffect(() => {
    const editor = view.current;
    const place = told.current.lastIndexOf(value);
    told.current = place < 0 ? [value] : told.current.slice(place);
    if (editor && place < 0) {
      editor.dispatch({
        changes: { from: 0, to: editor.state.doc.length, insert: value },
        annotations: fromOutside.of(true),
      });
    }
  }, [value]);

  useEffect(() => {
    const editor = view.current;
    if (editor) {
      const length = editor.state.doc.length;
      const diagnostics = marks.map(({ from, to, message }) => {
        const start = Math.min(from, Math.max(0, length - 1));
        return {
          from: start,
          to: Math.max(start, Math.min(to, length)),
          message,
          severity: "error" as const,
        };
      });
      editor.dispatch(setDiagnostics(editor.state, diagnostics));
    }
  }, [marks]);

  return <div class="editor" ref={host} />;
}

/**
 * Inserts typed text without the browser's help. When replacing coloured text, Chromium would insert
 * an element with an inline style, which the Content-Security-Policy forbids.
 */
function insert(event: InputEvent, view: EditorView): boolean {
  if (event.inputType !== "insertText" || event.isComposing || event.data === null) {
    return false;
  }
  event.preventDefault();
  view.dispatch(view.state.replaceSelection(event.data), { userEvent: "input.type", scrollIntoView: true });
  return true;
}

/** Syntax colours for raw HTTP, curl and JSON. */
const request = {
  token(stream: { sol(): boolean; match(pattern: RegExp): unknown; next(): unknown }): string | null {
    if (stream.sol() && stream.match(/[A-Z]+(?=\s+\S*\/)|curl\b/)) {
      return "keyword";
    }
    if (stream.sol() && stream.match(/[A-Za-z][\w-]*(?=:)/)) {
      return "propertyName";
    }
    if (stream.match(/"(?:[^"\\]|\\.)*"(?=\s*:)/)) {
      return "propertyName";
    }
    if (stream.match(/"(?:[^"\\]|\\.)*"?/)) {
      return "string";
    }
    if (stream.match(/(?:true|false|null)\b/)) {
      return "atom";
    }
    if (stream.match(/-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?\b/)) {
      return "number";
    }
    if (!stream.match(/\w+/)) {
      stream.next();
    }
    return null;
  },
};

const colours = HighlightStyle.define([
  { tag: tags.keyword, color: "var(--accent)", fontWeight: "600" },
  { tag: tags.propertyName, color: "var(--key)" },
  { tag: tags.string, color: "var(--string)" },
  { tag: [tags.atom, tags.number], color: "var(--number)" },
]);

const look = EditorView.theme({
  "&": { backgroundColor: "var(--surface)", color: "var(--text)", fontSize: "0.8125rem", height: "100%" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.5", overflow: "auto" },
  ".cm-content": { caretColor: "var(--text)" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  ".cm-gutters": {
    backgroundColor: "var(--ground)",
    color: "var(--quiet)",
    borderRight: "1px solid var(--line)",
  },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "var(--selection)",
  },
  ".cm-lintRange-error": {
    backgroundImage: "none",
    backgroundColor: "var(--removed)",
    textDecoration: "underline wavy var(--bad)",
  },
  ".cm-lint-marker-error": {
    content: "none",
    width: "0.6em",
    height: "0.6em",
    borderRadius: "50%",
    background: "var(--bad)",
  },
  ".cm-gutter-lint": { width: "0.9em" },
  ".cm-tooltip, .cm-panel": {
    backgroundColor: "var(--surface)",
    color: "var(--text)",
    borderColor: "var(--line)",
  },
});
