// Reads a raw HTTP request (RFC 9112 §2.1): request line, headers, empty line, body. Pasted requests
// may have any line ends and a wrong content length.

import { checkHeader, pathOf, type Reading, type Span, Unreadable } from "./reading";

const REQUEST_LINE =
  /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]+((?:\/|\*|[A-Za-z][A-Za-z0-9+.-]*:\/\/)\S*)(?:[ \t]+HTTP\/\d(?:\.\d)?)?[ \t]*$/;

export function readHttp(text: string): Reading {
  const lines = new Lines(text);
  let line = lines.next();
  while (line !== null && line.text.trim() === "") {
    line = lines.next();
  }
  const requestLine = line && REQUEST_LINE.exec(line.text);
  if (!line || !requestLine) {
    throw new Unreadable(
      "This line should be a method and a path, such as “PATCH /scim/v2/ACC1/Users/u1 HTTP/1.1”. " +
        "A curl command or a request as JSON works, too.",
      line?.at ?? { from: 0, to: text.length },
    );
  }
  const [, method = "", target = ""] = requestLine;
  const targetFrom = line.at.from + line.text.indexOf(target, method.length);
  const headers: [string, string][] = [];
  const spans = new Map<string, Span>();
  for (line = lines.next(); line !== null && line.text.trim() !== ""; line = lines.next()) {
    const colon = line.text.indexOf(":");
    if (colon <= 0) {
      throw new Unreadable(
        "This line should be a header, such as “Content-Type: application/scim+json”. " +
          "An empty line separates the headers from the body.",
        line.at,
      );
    }
    const name = line.text.slice(0, colon);
    const value = line.text.slice(colon + 1).trim();
    checkHeader(name, value, line.at);
    headers.push([name.toLowerCase(), value]);
    const from = line.at.from + line.text.indexOf(value, colon + 1);
    spans.set(name.toLowerCase(), { from, to: from + value.length });
  }
  const body = text.slice(lines.position).trimEnd();
  const start = lines.position;
  return {
    form: "http",
    request: { method, path: pathOf(target), headers, body: body === "" ? null : body },
    base64: null,
    target: { from: targetFrom, to: targetFrom + target.length },
    headers: spans,
    inText: (offset) => start + offset,
  };
}

/** Reads a text line by line. */
class Lines {
  position = 0;

  constructor(private readonly text: string) {}

  next(): { text: string; at: Span } | null {
    if (this.position >= this.text.length) {
      return null;
    }
    const from = this.position;
    const end = this.text.indexOf("\n", from);
    const to = end < 0 ? this.text.length : end;
    this.position = end < 0 ? to : to + 1;
    const line = this.text.slice(from, to).replace(/\r$/, "");
    return { text: line, at: { from, to: from + line.length } };
  }
}
