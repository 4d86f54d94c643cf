// What is different between the request that came and the request that goes, line by line, and
// which change explains each line?

import { diffArrays, diffWordsWithSpace } from "diff";

import type { Change, Message } from "./explained";
import { type Place, type Printed, print } from "./places";

export interface Comparison {
  parts: (Row | Skipped)[];
  /** Changes, by their index, that no line shows. */
  elsewhere: number[];
}

/** One line on each side, or on one. */
export interface Row {
  left: Line | null;
  right: Line | null;
  isSame: boolean;
  /** Changes, by their index, that explain it. */
  changes: number[];
  /** A header that does not go on: by the guard's list, and no change. */
  isHeader: boolean;
}

export interface Line {
  number: number;
  pieces: { text: string; isChanged: boolean }[];
}

/** Equal lines that are not shown. */
export interface Skipped {
  skipped: number;
}

/** Equal lines that are shown around a difference. */
const CONTEXT = 3;

/** Two texts that differ in more lines are not aligned: it would take too long to be of use. */
const MAX_DIFFERENCES = 1_000;

/** More lines help nobody. */
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

/** A message as lines: the request line, the headers by name, the body. */
class Side {
  readonly lines: string[];
  readonly bodyStart: number;
  /** By path, in lower case: of the text, of a PATCH's operation, and below an operation's value. */
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

  /** The lines, from 0, of what a change names. */
  linesOf(change: Change): [number, number] | null {
    if (change.path.startsWith("?")) {
      return [0, 0];
    }
    const path = change.path.toLowerCase();
    const place = (change.rule === "normalise.op" && this.places.get(`${path}.op`)) || this.places.get(path);
    return place ? [this.bodyStart + place.first, this.bodyStart + place.last] : null;
  }
}

/** The lines of both sides in one order. */
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

/** Puts lines beside each other that say something about the same thing. */
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

/** What a line is about: its key, the header's name, the request line. */
function subjectOf(line: string): string | null {
  return /^\s*"[^"]*":|^[\w-]+:|^[A-Z]+ /.exec(line)?.[0]?.toLowerCase() ?? null;
}

function withoutComma(line: string): string {
  return line.endsWith(",") ? line.slice(0, -1) : line;
}

type Pieces = Line["pieces"];

/** Marks within two lines what differs. */
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

/** Tells each differing row its changes, and gives the changes that have none. */
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
    // A bracket belongs to what was changed within it.
    if (!row.isSame && !row.isHeader && row.changes.length === 0 && before && !before.isSame) {
      row.changes = before.changes;
    }
  });
  return elsewhere;
}

/** Leaves out equal lines far from any difference, and what is too much. */
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
