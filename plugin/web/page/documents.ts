// How is a request written as the JSON that `scimguard check` and the case suites read?

import { parse, print } from "../explanation/places";
import type { Message } from "../explanation/explained";
import type { Reading } from "./reading";

export type Document = Record<string, unknown>;

/** The document of a request; its body is text exactly as it came. */
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

/** The same with the body as JSON, where nothing of it would be lost. */
export function readableDocument(reading: Pick<Reading, "request" | "base64">): Document {
  const document = requestDocument(reading);
  const text = document.body_text;
  if (typeof text === "string" && isFaithful(text)) {
    delete document.body_text;
    document.body = JSON.parse(text);
  }
  return document;
}

/** Whether JavaScript writes a JSON text as it read it, spaces apart: no long number, no repeated key. */
export function isFaithful(text: string): boolean {
  if (parse(text) === null) {
    return false;
  }
  const written = JSON.stringify(JSON.parse(text));
  return print(written).lines.join("\n") === print(text).lines.join("\n");
}

/** Headers by name; one that is there several times has a list. */
export function headersObject(headers: Message["headers"]): Record<string, string | string[]> {
  const object: Record<string, string | string[]> = {};
  for (const [name, value] of headers) {
    const before = object[name];
    object[name] = before === undefined ? value : [before, value].flat();
  }
  return object;
}

/** A request as raw HTTP, as the page's examples and repairs write it. */
export function httpText({ method, path, headers, body }: Message): string {
  const named = headers.map(([name, value]) => `${name}: ${value}\n`).join("");
  return `${method} ${path} HTTP/1.1\n${named}\n${body ?? ""}`;
}
