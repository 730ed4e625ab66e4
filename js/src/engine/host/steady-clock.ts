/** The time of an engine: that of a clock, but never earlier than before. */

/** A correction of the clock by up to this many milliseconds does not count as setting it back. */
const CORRECTED = 1000;

/**
 * @internal Follows a clock, also if it jumps ahead. While the clock is behind, for example after it was set back, time
 * passes at its real speed, so that waits and limits that have begun end in time. Once the clock has caught up, it is
 * followed again.
 */
export class SteadyClock {
  readonly #clock: () => number;
  /** Whether the clock advances by itself. The clock of a test may stand still. */
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
