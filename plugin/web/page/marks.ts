// Finds the part of the text that a refusal is about.

import { findNodeAtLocation, type Node } from "jsonc-parser";

import type { Explained } from "../explanation/explained";
import { print } from "../explanation/places";
import { document } from "./reading/document";
import { type Reading, type Span, Unreadable } from "./reading";

/** A message about a part of a text. */
export interface Mark extends Span {
  message: string;
}

/** A place in a text; lines and characters count from 1. */
export interface LineColumn {
  line: number;
  column: number;
}

/** The part of the request's text that a refusal is about. */
export function refused(reading: Reading, explained: Explained, place: LineColumn | null): Mark[] {
  const { rule, detail, decision } = explained;
  if (decision !== "reject" || rule === null) {
    return [];
  }
  const at = spanOf(reading, rule, detail ?? "", place);
  const counted = place && reading.form !== "json" ? " (The guard counts from the body's first line.)" : "";
  return at ? [{ ...at, message: `${detail ?? rule}${counted}` }] : [];
}

function spanOf(reading: Reading, rule: string, detail: string, place: LineColumn | null): Span | null {
  const body = reading.request.body ?? "";
  if (place !== null) {
    return inBody(reading, offsetOf(body, place), 1);
  }
  if (rule.startsWith("route.")) {
    return reading.target;
  }
  if (rule.startsWith("token.")) {
    const credential = ["authorization", "x-api-key"].map((name) => reading.headers.get(name));
    return credential.find((span) => span !== undefined) ?? reading.target;
  }
  if (rule === "body.content-type") {
    return reading.headers.get("content-type") ?? reading.target;
  }
  return named(reading, body, detail);
}

/** The value whose path the detail names; the longest path if there are several. */
function named(reading: Reading, body: string, detail: string): Span | null {
  const places = new Map(print(body).places.map((place) => [place.path.toLowerCase(), place]));
  const words = detail.match(/[A-Za-z_$][^\s"“”,;]*/g) ?? [];
  const found = words
    .flatMap((word) => [word, word.replace(/[.:]+$/, "")])
    .map((word) => places.get(word.toLowerCase()))
    .filter((place) => place !== undefined && place.path !== "")
    .sort((a, b) => (b?.path.length ?? 0) - (a?.path.length ?? 0))[0];
  return found ? inBody(reading, found.from, found.to - found.from) : null;
}

function inBody(reading: Reading, offset: number, length: number): Span {
  const from = reading.inText(offset);
  return { from, to: Math.max(from + 1, reading.inText(offset + length)) };
}

/** The offset of a place. Columns count characters, not UTF-16 units. */
function offsetOf(text: string, { line, column }: LineColumn): number {
  let start = 0;
  for (let passed = 1; passed < line; passed++) {
    const end = text.indexOf("\n", start);
    start = end < 0 ? text.length : end + 1;
  }
  const before = [...text.slice(start, start + 2 * column)].slice(0, column - 1);
  return start + before.join("").length;
}

/** The line and column of an offset. */
export function lineColumn(text: string, offset: number): LineColumn {
  const before = text.slice(0, offset);
  const start = before.lastIndexOf("\n") + 1;
  return { line: before.split("\n").length, column: [...before.slice(start)].length + 1 };
}

/** Marks in a JSON text for faults given by JSON Pointer. */
export function faults(text: string, told: { pointer: string; message: string }[]): Mark[] {
  let tree: Node;
  try {
    tree = document(text);
  } catch (error) {
    if (error instanceof Unreadable) {
      return [{ ...error.at, message: error.message }];
    }
    throw error;
  }
  return told.map(({ pointer, message }) => {
    const steps = pointer
      .split("/")
      .slice(1)
      .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"))
      .map((step) => (/^\d+$/.test(step) ? Number(step) : step));
    const node = findNodeAtLocation(tree, steps) ?? tree;
    const text = pointer === "" ? message : `${pointer}: ${message}`;
    return { from: node.offset, to: node.offset + node.length, message: text };
  });
}
