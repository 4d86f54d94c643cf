// Writes requests as the JSON that `scimguard check` and case suites read.

import { parse, print } from "../explanation/places";
import type { Message } from "../explanation/explained";
import type { Reading } from "./reading";

export type Document = Record<string, unknown>;

/** The document of a request, with the exact text of its body. */
export function requestDocument(reading: Pick<Reading, "request" | "base64">): Document {
  const { method, path, headers, body } = reading.request;
  const document: Document = { method, path, headers: headersObject(headers) };
  if (reading.base64 !== null) {
    document.body_base64 = reading.base64;
  } else if (body !== null) {
    document.body_text = body;
  }
  return document;
}

/** The same with the body as JSON if that loses nothing. */
export function readableDocument(reading: Pick<Reading, "request" | "base64">): Document {
  const document = requestDocument(reading);
  const text = document.body_text;
  if (typeof text === "string" && isFaithful(text)) {
    delete document.body_text;
    document.body = JSON.parse(text);
  }
  return document;
}

/** Whether JavaScript can rewrite a JSON text without loss apart from spaces: no long numbers, no repeated keys. */
export function isFaithful(text: string): boolean {
  if (parse(text) === null) {
    return false;
  }
  const written = JSON.stringify(JSON.parse(text));
  return print(written).lines.join("\n") === print(text).lines.join("\n");
}

/** Headers by name; repeated headers get a list. */
export function headersObject(headers: Message["headers"]): Record<string, string | string[]> {
  const object: Record<string, string | string[]> = {};
  for (const [name, value] of headers) {
    const before = object[name];
    object[name] = before === undefined ? value : [before, value].flat();
  }
  return object;
}

/** A request as raw HTTP, for examples and repairs. */
export function httpText({ method, path, headers, body }: Message): string {
  const named = headers.map(([name, value]) => `${name}: ${value}\n`).join("");
  return `${method} ${path} HTTP/1.1\n${named}\n${body ?? ""}`;
}
