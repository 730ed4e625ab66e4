/** Turns of the event loop: the engine gives others their turn, so that requests are answered and signals are obeyed. */

import type { Steps } from "./steps.js";

interface Globals {
  setImmediate?: (task: () => void) => unknown;
}

/** Milliseconds after which work goes on in the next turn. */
const LONG = 8;

let channel: MessageChannel | undefined;
const waiting: (() => void)[] = [];

/** Runs a task in the next turn, as soon as there is one. Pages in the background are not slowed down, as they are with timers. */
export function nextTurn(task: () => void): void {
  const { setImmediate } = globalThis as Globals;
  // Node, Deno and Bun.
  if (typeof setImmediate === "function") setImmediate(task);
  // Elsewhere than in pages and their workers; a worker of Cloudflare may have the one without the other.
  else if (typeof MessageChannel === "undefined" || !isPage()) setTimeout(task, 0);
  else {
    if (channel === undefined) {
      channel = new MessageChannel();
      channel.port1.onmessage = () => waiting.shift()?.();
    }
    waiting.push(task);
    channel.port2.postMessage(null);
  }
}

/** What steps give in the end; others have their turn after each so many. */
export async function inTurns<T>(steps: Steps<T>, ofTurn = 1): Promise<T> {
  for (let count = 1; ; count += 1) {
    const { done, value } = steps.next();
    if (done) return value as T;
    if (count % ofTurn === 0) await new Promise<void>(nextTurn);
  }
}

declare const importScripts: unknown;

/** Whether this is a page or a worker of one. */
const isPage = (): boolean => typeof document !== "undefined" || typeof importScripts === "function";

/** Keeps a chain of microtasks from holding the thread. */
export class Breaks {
  #since = 0;
  #isGoing = false;
  readonly #waiting: (() => void)[] = [];

  /** Runs a task after what runs now, and after those that wait: in this turn, unless that has taken long already. */
  soon(task: () => void): void {
    this.#waiting.push(task);
    if (!this.#isGoing) this.#goOn();
  }

  /** Fulfilled as {@link soon} runs a task; what follows from it comes before the next task. */
  turn(): Promise<void> {
    return new Promise((resolve) => this.soon(resolve));
  }

  #goOn(): void {
    this.#isGoing = this.#waiting.length > 0;
    if (!this.#isGoing) return;
    if (performance.now() - this.#since < LONG) queueMicrotask(() => this.#next());
    else
      nextTurn(() => {
        this.#since = performance.now();
        this.#next();
      });
  }

  #next(): void {
    const task = this.#waiting.shift();
    try {
      task?.();
    } finally {
      this.#goOn();
    }
  }
}
