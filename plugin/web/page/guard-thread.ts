// Asks the guard in its own thread. While it works, only the latest question waits; it replaces
// earlier ones.

import type { Rule } from "../explanation/explained";
import type { State } from "./state";
import type { Story } from "./tell";
import type { Message, Question } from "./worker";

export interface Listener {
  loading(share: number): void;
  ready(rules: ReadonlyMap<string, Rule>): void;
  told(story: Story, state: State): void;
  suite(text: string, replaced: number): void;
  failed(message: string): void;
}

export class GuardThread {
  private readonly worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
  private isReady = false;
  /** The question being answered. */
  private asked: State | null = null;
  private waiting: Question | null = null;

  constructor(private readonly listener: Listener) {
    this.worker.addEventListener("message", ({ data }: MessageEvent<Message>) => this.hear(data));
    this.worker.addEventListener("error", (event) =>
      listener.failed(event.message || "The guard could not be loaded."),
    );
  }

  /** Answers through `told`. */
  ask(state: State, now: number): void {
    this.waiting = { wanted: "story", state, now };
    this.next();
  }

  /** Answers through `suite`. */
  askForSuite(state: State, now: number): void {
    const question: Question = { wanted: "suite", state, now };
    this.worker.postMessage(question);
  }

  private hear(message: Message): void {
    switch (message.kind) {
      case "loading":
        return this.listener.loading(message.share);
      case "ready":
        this.isReady = true;
        this.listener.ready(new Map(message.rules.map((rule) => [rule.id, rule])));
        return this.next();
      case "told":
        performance.measure("guard", { start: performance.now() - message.took, end: performance.now() });
        this.listener.told(message.story, this.asked as State);
        this.asked = null;
        return this.next();
      case "suite":
        return this.listener.suite(message.text, message.replaced);
      case "failed":
        this.asked = null;
        this.listener.failed(message.message);
        return this.next();
    }
  }

  private next(): void {
    if (this.isReady && this.asked === null && this.waiting) {
      this.asked = this.waiting.state;
      this.worker.postMessage(this.waiting);
      this.waiting = null;
    }
  }
}
