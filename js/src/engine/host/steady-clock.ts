/** The time of an engine: that of a clock, but never earlier than before. */

/** Milliseconds that a clock may be corrected by without having been set back. */
const CORRECTED = 1000;

/**
 * Follows a clock, also where it jumps ahead. While it is behind, as after it was set back, time passes as it really does: sleeps, delays
 * and limits that had begun end when they should. Once it has caught up it is followed again.
 *
 * @internal
 */
export class SteadyClock {
  readonly #clock: () => number;
  /** Whether the clock goes by itself; one of a test may stand still. */
  readonly #goes: boolean;
  #now: number;
  #shown: number;
  #steady = performance.now();

  constructor(clock: (() => number) | undefined) {
    this.#clock = clock ?? (() => Date.now());
    this.#goes = clock === undefined;
    this.#shown = this.#clock();
    this.#now = this.#shown;
  }

  /** Milliseconds since the Unix epoch. */
  readonly now = (): number => {
    const [shown, steady] = [this.#clock(), performance.now()];
    const [moved, passed] = [shown - this.#shown, steady - this.#steady];
    const isBehind = shown < this.#now || (this.#goes && shown < this.#now + passed - CORRECTED);
    this.#now = isBehind ? this.#now + (moved < 0 || this.#goes ? passed : moved) : shown;
    [this.#shown, this.#steady] = [shown, steady];
    return Math.floor(this.#now);
  };
}
