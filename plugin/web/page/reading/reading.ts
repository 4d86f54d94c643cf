// The request found in a pasted text, and the places of its parts.

import type { Message } from "../../explanation/explained";

/** The format of the text. */
export type Form = "http" | "curl" | "json";

/** Part of the text, from its first character to the one after its last. */
export interface Span {
  from: number;
  to: number;
}

export interface Reading {
  form: Form;
  request: Message;
  /** The bytes of a binary body in base64; the request's `body` is for display then. */
  base64: string | null;
  target: Span;
  /** Places of header values by lower-case name. */
  headers: Map<string, Span>;
  /** Maps an offset in the body to one in the text. */
  inText(offset: number): number;
}

/** Why a text is not a request, and where. */
export class Unreadable extends Error {
  constructor(
    message: string,
    readonly at: Span,
    /** Whether the text is a SCIM body without a request around it. */
    readonly bareBody = false,
  ) {
    super(message);
  }
}

/** The path and query of a URL exactly as written, since ambiguities must be kept. */
export function pathOf(url: string): string {
  const path = url.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, "").replace(/#.*$/s, "");
  return path.startsWith("/") ? path : `/${path}`;
}

/** Checks a header with the platform's own parser. */
export function checkHeader(name: string, value: string, at: Span): void {
  try {
    new Headers([[name, value]]);
  } catch {
    throw new Unreadable(`“${name}” is not a header name, or its value has characters that headers may not contain.`, at);
  }
}
