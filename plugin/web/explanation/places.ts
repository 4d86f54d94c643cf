// Where is each value of a JSON text, and on which lines of its printed form? Printing keeps every
// key and number as it is written: what is compared must be what is sent.

import { type Node, type ParseError, parseTree } from "jsonc-parser";

/** A value, by the path that the guard's details give it: `Operations[1].value.locale`. */
export interface Place {
  path: string;
  /** In the text. */
  from: number;
  to: number;
  /** Lines of the printed form, from 0. */
  first: number;
  last: number;
}

export interface Printed {
  lines: string[];
  places: Place[];
}

/** A list of plain values that is not longer stays on one line. */
const SHORT = 72;

/** A text that is no JSON is printed as it is, and has no places. */
export function print(text: string): Printed {
  const tree = parse(text);
  if (tree === null) {
    return { lines: text.split("\n"), places: [] };
  }
  const printer = new Printer(text);
  printer.value(tree, "", "", "");
  return { lines: printer.lines, places: printer.places };
}

/** The tree of a JSON text, or null if it is none. */
export function parse(text: string): Node | null {
  const errors: ParseError[] = [];
  try {
    const tree = parseTree(text, errors, { disallowComments: true });
    return tree === undefined || errors.length > 0 ? null : tree;
  } catch {
    // Nested so deep that the parser's stack ends.
    return null;
  }
}

class Printer {
  readonly lines: string[] = [];
  readonly places: Place[] = [];

  constructor(private readonly text: string) {}

  /** `lead` begins the first line: indentation and, in an object, the key. */
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
