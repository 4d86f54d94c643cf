// Replaces secrets before the state goes into a link or a file. Each secret gets the same fake
// everywhere, so that the verdict stays the same.

import type { Message } from "../explanation/explained";
import { httpText } from "./documents";
import { read, type Reading } from "./reading";
import type { Entry, State, Step } from "./state";

/** Headers whose value is always secret. */
const HEADER =
  /^(?:proxy-)?authorization$|^(?:set-)?cookie$|api-?key|token|secret|session|password|signature/i;

/** JSON members and query parameters whose value is secret. */
const FIELD = "[\\w$:.-]*(?:password|passwd|secret|token|credential|api_?key)[\\w-]*";

/** Patterns of tokens anywhere, even in unreadable text. */
const TOKENS = [
  /\b(?:pat|sat)\.[\w-]+\.[\w-]+\.[\w.~+/=-]+/g,
  /\beyJ[\w-]*\.[\w-]+\.[\w-]+/g,
  /(?<=\b(?:bearer|basic|apikey)\s+)[\w.~+/=-]{4,}/gi,
];

/** Shorter texts cannot be distinguished from ordinary words. */
const SHORTEST = 4;

export interface Masked {
  state: State;
  /** Number of secrets replaced. */
  replaced: number;
}

/** Returns the state without its secrets. */
export async function mask(state: State): Promise<Masked> {
  const fakes = new Fakes();
  for (const entry of state.facts.tokens) {
    fakes.add(entry.token);
  }
  const readings = state.steps.map((step) => attempt(step.text));
  for (const [index, reading] of readings.entries()) {
    collect(reading?.request, fakes);
    for (const text of [state.steps[index]?.text, state.steps[index]?.answer]) {
      collectText(text ?? "", fakes);
    }
  }
  const known = JSON.stringify(state.facts);
  collectTokens(known, fakes);
  const facts = JSON.parse(fakes.replaceIn(known)) as State["facts"];
  facts.tokens = await Promise.all(facts.tokens.map((entry) => withFake(entry, fakes)));
  const steps = state.steps.map((step, index) => maskStep(step, readings[index] ?? null, fakes));
  return { state: { ...state, facts, steps }, replaced: fakes.count };
}

/** Secrets and their replacements. */
class Fakes {
  private readonly fakes = new Map<string, string>();

  get count(): number {
    return this.fakes.size;
  }

  add(secret: unknown): void {
    if (typeof secret !== "string" || secret.length < SHORTEST || this.fakes.has(secret)) {
      return;
    }
    this.fakes.set(secret, fake(secret, this.fakes.size + 1));
  }

  /** The replacement of the secret with this SHA-256, if known. */
  async byHash(hash: string): Promise<string | null> {
    for (const [secret, fake] of this.fakes) {
      if ((await sha256(secret)) === hash.toLowerCase()) {
        return fake;
      }
    }
    return null;
  }

  has(text: string): boolean {
    return [...this.fakes.keys()].some((secret) => text.includes(secret));
  }

  /** Replaces longer secrets first, since one may contain another. */
  replaceIn(text: string): string {
    const secrets = [...this.fakes].sort(([a], [b]) => b.length - a.length);
    return secrets.reduce((text, [secret, fake]) => text.replaceAll(secret, fake), text);
  }
}

/** Keeps a token's claims and removes its proof. */
function fake(secret: string, number: number): string {
  const [, opaque] = /^((?:pat|sat)\.[\w-]+\.[\w-]+\.)/.exec(secret) ?? [];
  if (opaque !== undefined) {
    return `${opaque}fake${number}`;
  }
  const [, claims] = /^(eyJ[\w-]*\.[\w-]+\.)[\w-]+$/.exec(secret) ?? [];
  return claims === undefined ? `fake${number}` : `${claims}ZmFrZQ`;
}

function collect(request: Message | undefined, fakes: Fakes): void {
  for (const [name, value] of request?.headers ?? []) {
    if (HEADER.test(name)) {
      const [, credential] = /^(?:bearer|basic|apikey|token)\s+(.*)$/i.exec(value) ?? [];
      fakes.add(credential ?? value);
    }
  }
  if (request) {
    collectText(request.path, fakes);
    collectText(request.body ?? "", fakes);
  }
}

function collectTokens(text: string, fakes: Fakes): void {
  for (const pattern of TOKENS) {
    for (const [token] of text.matchAll(pattern)) {
      fakes.add(token);
    }
  }
}

function collectText(text: string, fakes: Fakes): void {
  collectTokens(text, fakes);
  for (const [, json, , query] of text.matchAll(
    new RegExp(`"${FIELD}"\\s*:\\s*"((?:[^"\\\\]|\\\\.)+)"|([?&])${FIELD}=([^&\\s'"]+)`, "gi"),
  )) {
    // A value named like `totalTokens` may be a secret, so it is replaced too.
    fakes.add(json ?? query);
  }
  // Entra and Okta write PATCH attributes as a path and a value.
  for (const [, value] of text.matchAll(
    new RegExp(`"path"\\s*:\\s*"${FIELD}"\\s*,\\s*"value"\\s*:\\s*"((?:[^"\\\\]|\\\\.)+)"`, "gi"),
  )) {
    fakes.add(value);
  }
}

function maskStep(step: Step, reading: Reading | null, fakes: Fakes): Step {
  const answer = step.answer === undefined ? {} : { answer: fakes.replaceIn(step.answer) };
  const text = fakes.replaceIn(step.text);
  const after = attempt(text);
  const isClean =
    after === null ||
    ![...after.request.headers.flat(), after.request.body ?? ""].some((part) => fakes.has(part));
  if (isClean || reading === null) {
    return { text, ...answer };
  }
  // The secret is escaped in the text: rewrite the request from its meaning.
  const { method, path, headers, body } = reading.request;
  const clean = {
    method,
    path: fakes.replaceIn(path),
    headers: headers.map(([name, value]): [string, string] => [name, fakes.replaceIn(value)]),
    body: body === null ? null : fakes.replaceIn(body),
  };
  return { text: httpText(clean), ...answer };
}

/** Replaces a token's hash in the facts by its fake, so that the verdict stays the same. */
async function withFake(entry: Entry, fakes: Fakes): Promise<Entry> {
  const { token_sha256: hash, ...rest } = entry;
  const fake = typeof hash === "string" ? await fakes.byHash(hash) : null;
  return fake === null ? entry : { ...rest, token: fake };
}

/** SHA-256 in hexadecimal; null without Web Crypto, as on a page served without TLS. */
async function sha256(text: string): Promise<string | null> {
  const digest = await crypto.subtle?.digest("SHA-256", new TextEncoder().encode(text));
  return digest
    ? [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("")
    : null;
}

function attempt(text: string): Reading | null {
  try {
    return read(text);
  } catch {
    return null;
  }
}
