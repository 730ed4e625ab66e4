/** How long a request to the server may take. */

/** Longest time of a timer, in milliseconds: a longer one would be none at all. */
const LONGEST = 2 ** 31 - 1;

/** Ends a request when its time is over, or when the page that it is made for goes away. */
export class TimeLimit {
  readonly #controller = new AbortController();
  readonly #page: AbortSignal;
  readonly #timer: ReturnType<typeof setTimeout>;
  readonly #end = (): void => this.#controller.abort();
  #isOver = false;

  constructor(page: AbortSignal, seconds: number) {
    this.#page = page;
    page.addEventListener("abort", this.#end, { once: true });
    this.#timer = setTimeout(
      () => {
        this.#isOver = true;
        this.#end();
      },
      Math.min(seconds * 1000, LONGEST),
    );
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whether the time is over, rather than the page gone. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** What a step of the request gives, but no later than its end: not every `fetch` knows signals. */
  async race<T>(step: Promise<T>): Promise<T> {
    const { signal } = this;
    let stop = (): void => {};
    const ended = new Promise<never>((_, reject) => {
      stop = () => reject(new Error("the request has ended"));
      if (signal.aborted) stop();
      else signal.addEventListener("abort", stop, { once: true });
    });
    try {
      return await Promise.race([step, ended]);
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  /** Ends nothing any more. */
  release(): void {
    clearTimeout(this.#timer);
    this.#page.removeEventListener("abort", this.#end);
  }
}
