// Which request is in a text? It may be raw HTTP, a curl command, or JSON.

import { readCurl } from "./curl";
import { readDocument } from "./document";
import { readHttp } from "./http";
import { type Reading, Unreadable } from "./reading";

export { type Form, type Reading, type Span, Unreadable } from "./reading";

/** Throws {@link Unreadable}. */
export function read(text: string): Reading {
  if (text.trim() === "") {
    throw new Unreadable("Paste a request here, or pick an example.", { from: 0, to: 0 });
  }
  if (/^\s*[[{]/.test(text)) {
    return readDocument(text);
  }
  if (/^\s*(?:[$>#%]\s+)?curl(?:\.exe)?\s/.test(text)) {
    return readCurl(text);
  }
  return readHttp(text);
}
