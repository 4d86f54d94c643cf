// Reads a request from a text: raw HTTP, a curl command or JSON.

import { readCurl } from "./curl";
import { readDocument } from "./document";
import { readHttp } from "./http";
import { type Reading, Unreadable } from "./reading";

export { type Form, type Reading, type Span, Unreadable } from "./reading";

/** A short title such as `PATCH /Groups/example_group`; the start of the path is always the same. */
export function titleOf(text: string): string {
  try {
    const { method, path } = read(text).request;
    const segments = (path.split("?")[0] as string).split("/").filter((segment) => segment !== "");
    const isCollection = /^(?:Users|Groups|Bulk|\.search|user-groups|users?)$/i.test(segments.at(-1) ?? "");
    return `${method} /${segments.slice(isCollection ? -1 : -2).join("/")}`;
  } catch {
    return "no request yet";
  }
}

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
