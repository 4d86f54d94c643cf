// Runs the guard outside the page's thread, so that large requests do not block typing.

import { load, type Rule, rules } from "scimguard";

import { mask } from "./secrets";
import type { State } from "./state";
import { toSuite } from "./suite";
import { type Story, tell } from "./tell";

/** A question about a state: its story, or a case suite without secrets. */
export interface Question {
  wanted: "story" | "suite";
  state: State;
  now: number;
}

export type Message =
  | { kind: "loading"; share: number }
  | { kind: "ready"; rules: Rule[] }
  | { kind: "told"; story: Story; took: number }
  | { kind: "suite"; text: string; replaced: number }
  | { kind: "failed"; message: string };

/** Size of the module for the progress bar, since compressed responses do not state it. */
declare const MODULE_BYTES: number;

const MODULE = "scimguard.wasm";

addEventListener("message", ({ data }: MessageEvent<Question>) => {
  answer(data).then(post, (error) => post({ kind: "failed", message: String(error) }));
});

async function answer({ wanted, state, now }: Question): Promise<Message> {
  if (wanted === "suite") {
    const masked = await mask(state);
    const text = toSuite(masked.state, tell(masked.state, now).steps, now);
    return { kind: "suite", text, replaced: masked.replaced };
  }
  const started = performance.now();
  const story = tell(state, now);
  return { kind: "told", story, took: performance.now() - started };
}

async function start(): Promise<void> {
  try {
    const response = await fetch(new URL(MODULE, import.meta.url));
    if (!response.ok || response.body === null) {
      throw new Error(`${MODULE}: ${response.status} ${response.statusText}`);
    }
    let loaded = 0;
    const counted = response.body.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, controller) {
          loaded += chunk.length;
          post({ kind: "loading", share: Math.min(1, loaded / MODULE_BYTES) });
          controller.enqueue(chunk);
        },
      }),
    );
    await load(new Response(counted, { headers: { "content-type": "application/wasm" } }));
    post({ kind: "ready", rules: rules() });
  } catch (error) {
    post({ kind: "failed", message: `The guard could not be loaded: ${String(error)}` });
  }
}

function post(message: Message): void {
  postMessage(message);
}

void start();
