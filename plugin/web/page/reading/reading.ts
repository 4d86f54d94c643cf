// What a text that somebody pasted turns out to be: a request, and where in the text its parts are.

import type { Message } from "../../explanation/explained";

/** How the text is written. */
export type Form = "http" | "curl" | "json";

/** Part of the text: from its first character to the one after its last. */
export interface Span {
  from: number;
  to: number;
}

export interface Reading {
  form: Form;
  request: Message;
  /** The bytes of a body that is not text, in base 64; `body` of the request shows it then. */
  base64: string | null;
  target: Span;
  /** Values of headers, by name in lower case. */
  headers: Map<string, Span>;
  /** Where in the text a character of the body is. */
  inText(offset: number): number;
}

/** Why a text is no request, and where it stops to be one. */
export class Unreadable extends Error {
  constructor(
    message: string,
    readonly at: Span,
    /** The text is a SCIM body without a request around it. */
    readonly bareBody = false,
  ) {
    super(message);
  }
}

/** The path and query of a URL as they are written: what is ambiguous in them must stay so. */
export function pathOf(url: string): string {
  const path = url.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, "").replace(/#.*$/s, "");
  return path.startsWith("/") ? path : `/${path}`;
}

/** The platform's own check of a header. */
export function checkHeader(name: string, value: string, at: Span): void {
  try {
    new Headers([[name, value]]);
  } catch {
    throw new Unreadable(`“${name}” is not the name of a header, or its value holds what none may.`, at);
  }
}
