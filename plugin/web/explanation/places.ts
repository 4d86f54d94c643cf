// Finds each value of a JSON text, and its lines in the printed form. Printing keeps every key and
// number as written, so that the comparison shows exactly what is sent.

import { type Node, type ParseError, parseTree } from "jsonc-parser";

/** A value, with the path that the guard's details use: `Operations[1].value.locale`. */
export interface Place {
  path: string;
  /** Offsets in the text. */
  from: number;
  to: number;
  /** Lines of the printed form, counted from 0. */
  first: number;
  last: number;
}

export interface Printed {
  lines: string[];
  places: Place[];
}

/** Longest list of plain values that stays on one line. */
const SHORT = 72;

/** Prints JSON; other text stays as it is, without places. */
export function print(text: string): Printed {
  const tree = parse(text);
  if (tree === null) {
    return { lines: text.split("\n"), places: [] };
  }
  const printer = new Printer(text);
  printer.value(tree, "", "", "");
  return { lines: printer.lines, places: printer.places };
}

/** Parses a JSON text; null if it is not JSON. */
export function parse(text: string): Node | null {
  const errors: ParseError[] = [];
  try {
    const tree = parseTree(text, errors, { disallowComments: true });
    return tree === undefined || errors.length > 0 ? null : tree;
  } catch {
    // Nested so deeply that the parser's stack overflows.
    return null;
  }
}

class Printer {
  readonly lines: string[] = [];
  readonly places: Place[] = [];

  constructor(private readonly text: string) {}

  /** `lead` starts the first line: indentation and, in an object, the key. */
  value(node: Node, path: string, indent: string, lead: string): void {
    const place: Place = {
      path,
      from: node.offset,
      to: node.offset + node.length,
      first: this.lines.length,
      last: this.lines.length,
    };
    this.places.push(place);
    const children = node.children ?? [];
    if (children.length === 0) {
      this.lines.push(lead + this.source(node).replace(/^([[{])\s+/, "$1"));
    } else if (node.type === "object") {
      this.object(children, path, indent, lead);
    } else {
      this.array(children, path, indent, lead);
    }
    place.last = this.lines.length - 1;
  }

  private object(properties: Node[], path: string, indent: string, lead: string): void {
    this.lines.push(`${lead}{`);
    const inner = `${indent}  `;
    for (const property of properties) {
      const [key, value] = property.children as [Node, Node];
      const name = String(key.value);
      const below = path === "" ? name : `${path}.${name}`;
      this.value(value, below, inner, `${inner}${this.source(key)}: `);
      this.comma(property === properties.at(-1));
    }
    this.lines.push(`${indent}}`);
  }

  private array(elements: Node[], path: string, indent: string, lead: string): void {
    if (elements.every((element) => element.children === undefined)) {
      const short = `${lead}[${elements.map((element) => this.source(element)).join(", ")}]`;
      if (short.length <= SHORT) {
        this.lines.push(short);
        return;
      }
    }
    this.lines.push(`${lead}[`);
    const inner = `${indent}  `;
    elements.forEach((element, index) => {
      this.value(element, `${path}[${index}]`, inner, inner);
      this.comma(index === elements.length - 1);
    });
    this.lines.push(`${indent}]`);
  }

  private comma(isLast: boolean): void {
    if (!isLast) {
      this.lines[this.lines.length - 1] += ",";
    }
  }

  private source(node: Node): string {
    return this.text.slice(node.offset, node.offset + node.length);
  }
}
