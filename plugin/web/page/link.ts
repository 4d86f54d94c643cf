// Encodes the whole state in a URL's fragment, which browsers never send to a server.

import { factsOf, type State } from "./state";

/** The version of the encoding. */
const VERSION = "1.";

export async function toFragment(state: State): Promise<string> {
  const packed = await through(
    new TextEncoder().encode(JSON.stringify(state)),
    new CompressionStream("deflate-raw"),
  );
  let binary = "";
  for (const byte of packed) {
    binary += String.fromCharCode(byte);
  }
  return VERSION + btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** The state in a fragment without its `#`; null if there is none. */
export async function fromFragment(fragment: string): Promise<State | null> {
  if (!fragment.startsWith(VERSION)) {
    return null;
  }
  try {
    const binary = atob(fragment.slice(VERSION.length).replaceAll("-", "+").replaceAll("_", "/"));
    const packed = Uint8Array.from(binary, (character) => character.charCodeAt(0));
    const text = new TextDecoder().decode(await through(packed, new DecompressionStream("deflate-raw")));
    return stateOf(JSON.parse(text));
  } catch {
    return null;
  }
}

/** Validates every field, since anyone can write a link by hand. */
function stateOf(value: unknown): State | null {
  const given = value as Partial<State> | null;
  const steps = Array.isArray(given?.steps)
    ? given.steps.filter((step) => typeof step?.text === "string")
    : [];
  if (!given || steps.length === 0) {
    return null;
  }
  return {
    steps: steps.map(({ text, answer }) => (typeof answer === "string" ? { text, answer } : { text })),
    shown: Math.min(Math.max(0, Number(given.shown) || 0), steps.length - 1),
    policy: typeof given.policy === "string" ? given.policy : "",
    facts: factsOf(given.facts),
    ...(typeof given.now === "string" ? { now: given.now } : {}),
  };
}

async function through(
  bytes: Uint8Array<ArrayBuffer>,
  stream: CompressionStream | DecompressionStream,
): Promise<Uint8Array> {
  const readable = new Blob([bytes]).stream().pipeThrough(stream);
  return new Uint8Array(await new Response(readable).arrayBuffer());
}
