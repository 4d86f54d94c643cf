// Compares the received with the forwarded request line by line, and finds the change that explains
// each difference.

import { diffArrays, diffWordsWithSpace } from "diff";

import type { Change, Message } from "./explained";
import { type Place, type Printed, print } from "./places";

export interface Comparison {
  parts: (Row | Skipped)[];
  /** Indices of changes that no line shows. */
  elsewhere: number[];
}

/** A line on the left, on the right or on both sides. */
export interface Row {
  left: Line | null;
  right: Line | null;
  isSame: boolean;
  /** Indices of the changes that explain it. */
  changes: number[];
  /** A header that the guard's list of headers drops, not a change. */
  isHeader: boolean;
}

export interface Line {
  number: number;
  pieces: { text: string; isChanged: boolean }[];
}

/** Hidden equal lines. */
export interface Skipped {
  skipped: number;
}

/** Equal lines shown around a difference. */
const CONTEXT = 3;

/** Texts with more differing lines are not aligned: it would take too long. */
const MAX_DIFFERENCES = 1_000;

/** Rows shown at most. */
const MAX_ROWS = 1_000;

/** Longer stretches are not paired line by line. */
const MAX_PAIRED = 400;

/** Longer lines are not compared word by word. */
const MAX_LINE = 2_000;

export function compare(received: Message, forwarded: Message, changes: readonly Change[]): Comparison {
  const left = new Side(received);
  const right = new Side(forwarded);
  const rows = align(left, right);
  const elsewhere = explain(rows, left, right, changes);
  return { parts: shorten(rows), elsewhere };
}

/** A message as lines: the request line, the sorted headers, the body. */
class Side {
  readonly lines: string[];
  readonly bodyStart: number;
  /** By lower-case path: within the text, by a PATCH operation's path, and below an operation's value. */
  private readonly places = new Map<string, Place>();

  constructor(message: Message) {
    const headers = message.headers.map(([name, value]) => `${name.toLowerCase()}: ${value}`).sort();
    this.lines = [`${message.method} ${message.path}`, ...headers, ""];
    this.bodyStart = this.lines.length;
    if (message.body !== null) {
      const printed = print(message.body);
      this.lines.push(...printed.lines);
      this.index(printed);
    }
  }

  private index({ lines, places }: Printed): void {
    const also = new Map<string, Place>();
    for (const place of places) {
      const path = place.path.toLowerCase();
      this.places.set(path, place);
      const [, operation, member] = /^(operations\[\d+\])\.(?:value\.(.+)|path$)/.exec(path) ?? [];
      if (member !== undefined) {
        also.set(member, place);
      } else if (operation !== undefined) {
        const target = /: "(.*)",?$/.exec(lines[place.first] ?? "")?.[1];
        const whole = this.places.get(operation);
        if (target !== undefined && whole !== undefined) {
          also.set(target.replaceAll('\\"', '"').toLowerCase(), whole);
        }
      }
    }
    for (const [path, place] of also) {
      if (!this.places.has(path)) {
        this.places.set(path, place);
      }
    }
  }

  /** The lines, counted from 0, of the value that a change names. */
  linesOf(change: Change): [number, number] | null {
    if (change.path.startsWith("?")) {
      return [0, 0];
    }
    const path = change.path.toLowerCase();
    const place = (change.rule === "normalise.op" && this.places.get(`${path}.op`)) || this.places.get(path);
    return place ? [this.bodyStart + place.first, this.bodyStart + place.last] : null;
  }
}

/** Merges the lines of both sides into one order. */
function align(left: Side, right: Side): Row[] {
  const rows: Row[] = [];
  let l = 0;
  let r = 0;
  const isHeader = () => l > 0 && l < left.bodyStart && r > 0 && r < right.bodyStart + 1;
  const row = (hasLeft: boolean, hasRight: boolean, isSame: boolean) => {
    const header = isHeader();
    const before = hasLeft ? (left.lines[l] as string) : null;
    const after = hasRight ? (right.lines[r] as string) : null;
    const [one, other] = pieces(before, after, isSame);
    rows.push({
      left: one && { number: ++l, pieces: one },
      right: other && { number: ++r, pieces: other },
      isSame,
      changes: [],
      isHeader: header,
    });
  };
  const differences = diffArrays(left.lines, right.lines, {
    comparator: (a: string, b: string) => withoutComma(a) === withoutComma(b),
    maxEditLength: MAX_DIFFERENCES,
  }) ?? [
    { removed: true, added: false, count: left.lines.length },
    { removed: false, added: true, count: right.lines.length },
  ];
  for (let index = 0; index < differences.length; index++) {
    const part = differences[index];
    const next = differences[index + 1];
    const count = part?.count ?? 0;
    if (part?.removed && next?.added) {
      pair(left.lines.slice(l, l + count), right.lines.slice(r, r + next.count), row);
      index++;
    } else {
      for (let line = 0; line < count; line++) {
        row(!part?.added, !part?.removed, !part?.added && !part?.removed);
      }
    }
  }
  return rows;
}

/** Pairs lines with the same subject. */
function pair(
  removed: string[],
  added: string[],
  row: (hasLeft: boolean, hasRight: boolean, isSame: boolean) => void,
): void {
  let r = 0;
  const isShort = removed.length + added.length <= MAX_PAIRED;
  for (const line of removed) {
    const subject = subjectOf(line);
    const match =
      removed.length === added.length
        ? r
        : isShort && subject !== null
          ? added.findIndex((other, index) => index >= r && subjectOf(other) === subject)
          : -1;
    if (match < 0) {
      row(true, false, false);
      continue;
    }
    for (; r < match; r++) {
      row(false, true, false);
    }
    row(true, true, false);
    r++;
  }
  for (; r < added.length; r++) {
    row(false, true, false);
  }
}

/** The subject of a line: its key, the header's name or the request line. */
function subjectOf(line: string): string | null {
  return /^\s*"[^"]*":|^[\w-]+:|^[A-Z]+ /.exec(line)?.[0]?.toLowerCase() ?? null;
}

function withoutComma(line: string): string {
  return line.endsWith(",") ? line.slice(0, -1) : line;
}

type Pieces = Line["pieces"];

/** Marks the differing parts of two lines. */
function pieces(
  before: string | null,
  after: string | null,
  isSame: boolean,
): [Pieces | null, Pieces | null] {
  const whole = (text: string | null, isChanged: boolean) => (text === null ? null : [{ text, isChanged }]);
  if (isSame) {
    return [whole(before, false), whole(after, false)];
  }
  if (before === null || after === null || Math.max(before.length, after.length) > MAX_LINE) {
    return [whole(before, true), whole(after, true)];
  }
  const words = diffWordsWithSpace(before, after);
  const side = (other: "added" | "removed") =>
    words
      .filter((word) => !word[other])
      .map((word) => ({ text: word.value, isChanged: word.added || word.removed }));
  return [side("added"), side("removed")];
}

/** Assigns changes to differing rows; returns the changes without a row. */
function explain(rows: Row[], left: Side, right: Side, changes: readonly Change[]): number[] {
  const narrowest = new Map<Row, number>();
  const sides = [
    { side: left, rows: rows.filter((row) => row.left !== null) },
    { side: right, rows: rows.filter((row) => row.right !== null) },
  ];
  const placed = changes.map((change) =>
    sides.flatMap(({ side, rows }) => {
      const [first, last] = side.linesOf(change) ?? [0, -1];
      return rows
        .slice(first, last + 1)
        .filter((row) => !row.isSame)
        .map((row) => ({ row, width: last - first }));
    }),
  );
  for (const { row, width } of placed.flat()) {
    narrowest.set(row, Math.min(width, narrowest.get(row) ?? width));
  }
  const elsewhere: number[] = [];
  placed.forEach((places, index) => {
    const nearest = places.filter(({ row, width }) => narrowest.get(row) === width);
    for (const { row } of nearest.length > 0 ? nearest : places.slice(0, 1)) {
      if (!row.changes.includes(index)) {
        row.changes.push(index);
      }
    }
    if (places.length === 0) {
      elsewhere.push(index);
    }
  });
  rows.forEach((row, index) => {
    const before = rows[index - 1];
    // A closing bracket belongs to the change inside it.
    if (!row.isSame && !row.isHeader && row.changes.length === 0 && before && !before.isSame) {
      row.changes = before.changes;
    }
  });
  return elsewhere;
}

/** Drops equal lines far from any difference, and rows beyond the limit. */
function shorten(rows: Row[]): (Row | Skipped)[] {
  const shown = new Set<number>();
  rows.forEach((row, index) => {
    if (!row.isSame || index === 0) {
      for (let near = index - CONTEXT; near <= index + CONTEXT; near++) {
        shown.add(near);
      }
    }
  });
  const parts: (Row | Skipped)[] = [];
  let skipped = 0;
  let count = 0;
  const skip = () => {
    if (skipped > 0) {
      parts.push({ skipped });
      skipped = 0;
    }
  };
  rows.forEach((row, index) => {
    if (!shown.has(index) || count === MAX_ROWS) {
      skipped++;
      return;
    }
    skip();
    parts.push(row);
    count++;
  });
  skip();
  return parts;
}
