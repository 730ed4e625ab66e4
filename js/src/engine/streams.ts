/** Server-sent events: the changes of runs, for who listens. */

interface Listener {
  readonly controller: ReadableStreamDefaultController<Uint8Array>;
  /** Shows that the connection lives. */
  readonly timer: ReturnType<typeof setInterval>;
  told: string;
}

/** Headers of the answer that is a stream. */
export const STREAM_HEADERS = { "content-type": "text/event-stream", "cache-control": "no-store" };

const FINAL = ["completed", "failed", "cancelled"];
/** Milliseconds that telling may take each time. What takes longer is done less often: for each millisecond so many are free. */
const QUICK = 2;
const WORK = 9;
/** Milliseconds after which a comment shows that the connection lives. */
const SIGN_OF_LIFE = 15_000;

/** The streams that are open. */
export class RunStreams {
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #encoder = new TextEncoder();

  /** When everybody was told last, and how long that took, in milliseconds. */
  #last = { end: 0, took: 0 };
  #later: ReturnType<typeof setTimeout> | undefined;

  /** Opens a stream of a run. `read` gives how it is, as JSON text. */
  open(runId: string, read: (runId: string) => string): Response {
    let listener: Listener;
    const end = (): void => {
      clearInterval(listener.timer);
      const listeners = this.#listeners.get(runId);
      listeners?.delete(listener);
      if (listeners?.size === 0) this.#listeners.delete(runId);
    };
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        const timer = setInterval(
          () => controller.enqueue(this.#encoder.encode(": alive\n\n")),
          SIGN_OF_LIFE,
        );
        (timer as { unref?: () => void }).unref?.();
        listener = { controller, timer, told: "" };
        const listeners = this.#listeners.get(runId) ?? new Set();
        this.#listeners.set(runId, listeners.add(listener));
        if (this.#tell(listener, read(runId))) end();
      },
      cancel: end,
    });
    return new Response(body, { headers: STREAM_HEADERS });
  }

  get isEmpty(): boolean {
    return this.#listeners.size === 0;
  }

  /** Tells all who listen what has changed: at once, unless that takes so long that it would keep the engine from its work. */
  tell(read: (runId: string) => string): void {
    if (this.isEmpty || this.#later !== undefined) return;
    const start = performance.now();
    const rest = this.#last.end + this.#last.took * WORK - start;
    if (this.#last.took > QUICK && rest > 0) {
      this.#later = setTimeout(() => {
        this.#later = undefined;
        this.tell(read);
      }, rest);
      return;
    }
    this.#tellAll(read);
    const end = performance.now();
    this.#last = { end, took: end - start };
  }

  #tellAll(read: (runId: string) => string): void {
    for (const [runId, listeners] of [...this.#listeners]) {
      const text = read(runId);
      for (const listener of [...listeners]) if (this.#tell(listener, text)) listeners.delete(listener);
      if (listeners.size === 0) this.#listeners.delete(runId);
    }
  }

  /** Ends all streams. */
  close(): void {
    clearTimeout(this.#later);
    for (const listeners of this.#listeners.values()) {
      for (const { controller, timer } of listeners) {
        clearInterval(timer);
        controller.close();
      }
    }
    this.#listeners.clear();
  }

  /** Whether that was the last to tell. */
  #tell(listener: Listener, text: string): boolean {
    if (listener.told === text) return false;
    listener.told = text;
    listener.controller.enqueue(this.#encoder.encode(`data: ${text}\n\n`));
    const { status } = JSON.parse(text) as { status: string };
    if (!FINAL.includes(status)) return false;
    clearInterval(listener.timer);
    listener.controller.close();
    return true;
  }
}
