/** Holds work back while the state must not change. */

import { Breaks } from "../../shared/turns.js";

/** Lets work pass in order: at once, or when the gate is open again. */
export class Gate {
  readonly #breaks = new Breaks();
  readonly #waiting: (() => void)[] = [];
  #isShut = false;
  /** Whether the next waiting task is scheduled. */
  #goesOn = false;
  /** Whether a waiting task is running; its own work passes. */
  #isPassing = false;

  /** Whether new work has to wait. */
  get isShut(): boolean {
    return !this.#isPassing && (this.#isShut || this.#waiting.length > 0);
  }

  shut(): void {
    this.#isShut = true;
  }

  open(): void {
    this.#isShut = false;
    this.#goOn();
  }

  /** Makes a task wait if the gate is closed. Returns whether it waits. */
  holds(task: () => void): boolean {
    if (!this.isShut) return false;
    this.#waiting.push(task);
    return true;
  }

  /** The event loop takes turns between the tasks. */
  #goOn(): void {
    if (this.#goesOn || this.#isShut || this.#waiting.length === 0) return;
    this.#goesOn = true;
    this.#breaks.soon(() => this.#next());
  }

  #next(): void {
    this.#goesOn = false;
    if (this.#isShut) return;
    this.#isPassing = true;
    try {
      this.#waiting.shift()?.();
    } finally {
      this.#isPassing = false;
      this.#goOn();
    }
  }
}
