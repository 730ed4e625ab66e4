/** The time limit of a request to the server. */

/** The longest delay of a timer, in milliseconds. A longer one would fire at once. */
const LONGEST = 2 ** 31 - 1;

/** Aborts a request when its time is over, or when the page leaves. */
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

  /** Whether the time is over. Otherwise the page has left. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** The result of a step, or an error at the end of the time. Not every `fetch` supports signals. */
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

  /** Stops the time limit. */
  release(): void {
    clearTimeout(this.#timer);
    this.#page.removeEventListener("abort", this.#end);
  }
}
