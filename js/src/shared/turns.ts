/** Turns of the event loop. Long work pauses between them, so that requests are answered and signals are obeyed. */

import type { Steps } from "./steps.js";

interface Globals {
  setImmediate?: (task: () => void) => unknown;
}

/** Milliseconds of work after which the next turn begins. */
const LONG = 8;

let channel: MessageChannel | undefined;
const waiting: (() => void)[] = [];

/**
 * Runs a task in the next turn of the event loop, without delay. Background pages slow timers down, so pages use a
 * message instead.
 */
export function nextTurn(task: () => void): void {
  const { setImmediate } = globalThis as Globals;
  // Node, Deno and Bun.
  if (typeof setImmediate === "function") setImmediate(task);
  // Outside pages and their workers. A Cloudflare worker may lack one of the two.
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

/** The result of the steps. After every `ofTurn` steps, the event loop takes a turn. */
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

/** A queue of tasks that lets the event loop take a turn when microtasks have run for long. */
export class Breaks {
  #since = 0;
  #isGoing = false;
  readonly #waiting: (() => void)[] = [];

  /**
   * Runs a task after the current one and those in the queue: in this turn, or in the next if this one has taken long.
   */
  soon(task: () => void): void {
    this.#waiting.push(task);
    if (!this.#isGoing) this.#goOn();
  }

  /**
   * A promise that is fulfilled in the order of {@link soon}. Its continuation runs before the next task of the queue.
   */
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
