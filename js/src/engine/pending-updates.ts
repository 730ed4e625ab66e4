/** Requests that wait until a run has answered an update. */

/** The waiting requests, by update. */
export class PendingUpdates {
  readonly #waiting = new Map<string, (() => void)[]>();
  #isClosed = false;

  /** Fulfilled when the update has ended or the engine is closed. */
  wait(runId: string, update: number): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    return new Promise((resolve) => {
      const key = `${runId}/${update}`;
      this.#waiting.set(key, [...(this.#waiting.get(key) ?? []), resolve]);
    });
  }

  end(runId: string, update: number): void {
    const key = `${runId}/${update}`;
    const waiting = this.#waiting.get(key) ?? [];
    this.#waiting.delete(key);
    for (const resolve of waiting) resolve();
  }

  close(): void {
    this.#isClosed = true;
    for (const waiting of this.#waiting.values()) for (const resolve of waiting) resolve();
    this.#waiting.clear();
  }
}
