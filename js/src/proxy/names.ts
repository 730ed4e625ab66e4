/** Which runs are of which workflow, as far as it is known. */

/** Runs that are kept in mind. */
const MOST = 10_000;

/** The workflows of runs that were seen, so that not every request has to ask. The oldest are forgotten. */
export class Names {
  readonly #names = new Map<string, string>();

  get(runId: string): string | undefined {
    return this.#names.get(runId);
  }

  set(runId: unknown, name: string): void {
    if (typeof runId !== "string") return;
    this.#names.set(runId, name);
    const [oldest] = this.#names.keys();
    if (this.#names.size > MOST && oldest !== undefined) this.#names.delete(oldest);
  }
}
