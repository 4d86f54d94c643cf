// Reads a request as JSON: the document of `scimguard check` and of case suites.

import { type Node, type ParseError, parseTree, printParseErrorCode } from "jsonc-parser";

import type { Message } from "../../explanation/explained";
import { checkHeader, type Reading, type Span, Unreadable } from "./reading";

const FIELDS = ["method", "path", "headers", "body", "body_text", "body_base64", "annotate"];

export function readDocument(text: string): Reading {
  const fields = members(document(text));
  const method = fields.get("method");
  const path = fields.get("path");
  if (!method && !path && (fields.has("schemas") || fields.has("Operations"))) {
    throw new Unreadable(
      "This is only the body of a request. Add the method, the path and the token.",
      { from: 0, to: text.length },
      true,
    );
  }
  for (const [name, node] of fields) {
    if (!FIELDS.includes(name)) {
      const known = FIELDS.slice(0, -1).join(", ");
      throw new Unreadable(`A request has no field “${name}”. Its fields are ${known}.`, span(node));
    }
  }
  const target = string(path, "path", text);
  const headers = readHeaders(fields.get("headers"));
  const body = readBody(text, fields);
  return {
    form: "json",
    request: {
      method: string(method, "method", text).value,
      path: target.value,
      headers: headers.list,
      body: body.text === "" ? null : body.text,
    },
    base64: body.base64,
    target: target.at,
    headers: headers.spans,
    inText: body.inText,
  };
}

/** Parses a JSON text. */
export function document(text: string): Node {
  const errors: ParseError[] = [];
  const tree = parseTree(text, errors, { disallowComments: true });
  const [error] = errors;
  if (error || !tree) {
    const words = error
      ? printParseErrorCode(error.error)
          .replace(/([a-z])([A-Z])/g, "$1 $2")
          .toLowerCase()
      : "nothing is here";
    const from = Math.min(error?.offset ?? 0, text.length);
    throw new Unreadable(`This is not JSON: ${words}.`, {
      from,
      to: Math.max(from + 1, from + (error?.length ?? 0)),
    });
  }
  return tree;
}

function members(node: Node): Map<string, Node> {
  if (node.type !== "object") {
    throw new Unreadable("A request as JSON is an object with method, path, headers and body.", span(node));
  }
  const pairs = (node.children ?? []).map((property) => property.children as [Node, Node]);
  return new Map(pairs.map(([key, value]) => [String(key.value), value]));
}

function string(node: Node | undefined, name: string, text: string): { value: string; at: Span } {
  if (node?.type !== "string") {
    const at = node ? span(node) : { from: 0, to: Math.min(1, text.length) };
    throw new Unreadable(`The request needs a string “${name}”.`, at);
  }
  return { value: String(node.value), at: { from: node.offset + 1, to: node.offset + node.length - 1 } };
}

function readHeaders(node: Node | undefined): {
  list: Message["headers"];
  spans: Map<string, Span>;
} {
  const list: Message["headers"] = [];
  const spans = new Map<string, Span>();
  for (const [name, value] of node ? members(node) : []) {
    for (const one of value.type === "array" ? (value.children ?? []) : [value]) {
      if (one.type !== "string") {
        throw new Unreadable("A header's value is a string or a list of strings.", span(one));
      }
      checkHeader(name, String(one.value), span(one));
      list.push([name.toLowerCase(), String(one.value)]);
      spans.set(name.toLowerCase(), { from: one.offset + 1, to: one.offset + one.length - 1 });
    }
  }
  return { list, spans };
}

interface Body {
  text: string | null;
  base64: string | null;
  inText(offset: number): number;
}

function readBody(text: string, fields: Map<string, Node>): Body {
  const given = ["body", "body_text", "body_base64"].filter((name) => fields.has(name));
  const [name, another] = given;
  const node = name === undefined ? undefined : fields.get(name);
  if (node === undefined) {
    return { text: null, base64: null, inText: () => text.length };
  }
  if (another !== undefined) {
    throw new Unreadable(
      `There is already a ${name}. Give only one.`,
      span(fields.get(another) as Node),
    );
  }
  if (name === "body") {
    // As written, to keep numbers and repeated keys.
    const source = text.slice(node.offset, node.offset + node.length);
    return { text: source, base64: null, inText: (offset) => node.offset + offset };
  }
  const value = string(node, name as string, text).value;
  if (name === "body_text") {
    const literal = text.slice(node.offset, node.offset + node.length);
    return { text: value, base64: null, inText: (offset) => node.offset + inLiteral(literal, offset) };
  }
  try {
    const bytes = Uint8Array.from(atob(value), (character) => character.charCodeAt(0));
    const shown = new TextDecoder().decode(bytes);
    return { text: shown, base64: value, inText: () => node.offset };
  } catch {
    throw new Unreadable("This is not base64.", span(node));
  }
}

/** The offset within a JSON string literal of a character of its value. */
function inLiteral(literal: string, offset: number): number {
  let at = 1;
  for (let passed = 0; passed < offset && at < literal.length - 1; passed++) {
    at += literal[at] !== "\\" ? 1 : literal[at + 1] === "u" ? 6 : 2;
  }
  return at;
}

function span(node: Node): Span {
  return { from: node.offset, to: node.offset + Math.max(1, node.length) };
}
