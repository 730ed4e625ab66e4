/** Holds work back while what it works on must not change. */

import { Breaks } from "../../shared/turns.js";

/** Lets work pass in its order: at once, or once the gate is open again. */
export class Gate {
  readonly #breaks = new Breaks();
  readonly #waiting: (() => void)[] = [];
  #isShut = false;
  /** Whether the next task that waits has its turn soon. */
  #goesOn = false;
  /** Whether it has its turn now; what it does passes. */
  #isPassing = false;

  /** Whether work has to wait, or does. */
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

  /** Has a task wait where the gate is shut; whether it does. */
  holds(task: () => void): boolean {
    if (!this.isShut) return false;
    this.#waiting.push(task);
    return true;
  }

  /** Others have their turn between the tasks. */
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
