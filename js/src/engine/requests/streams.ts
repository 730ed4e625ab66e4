/** Server-sent events with the changes of runs. */

import type { RunText } from "../effects.js";
import { refusal } from "./refusal.js";
import { nextTurn } from "../../shared/turns.js";

/** The state of a run, as its listeners get it. */
interface State {
  /** The JSON text of the run; undefined if the run was dropped. */
  readonly text: string | undefined;
  /** The event with the state, created once for all listeners. */
  readonly event: Uint8Array;
  readonly isFinal: boolean;
}

interface Listener {
  readonly runId: string;
  readonly controller: ReadableStreamDefaultController<Uint8Array>;
  /** Sends a comment at intervals, which shows that the connection is alive. */
  readonly timer: ReturnType<typeof setInterval>;
  told: State | undefined;
  /** Whether a change may have been skipped, because the listener had not read an earlier one. */
  isBehind: boolean;
}

/** Headers of an answer that is a stream. */
export const STREAM_HEADERS = { "content-type": "text/event-stream", "cache-control": "no-store" };

/** Default number of streams that may be open. */
const MOST_STREAMS = 256;

/**
 * Milliseconds that sending may take each time. If it takes longer, it happens less often: each millisecond of sending
 * is followed by this many without.
 */
const QUICK = 2;
const WORK = 9;
/** Milliseconds, and bytes, after which sending continues in the next turn, so that the events leave the process. */
const LONG = 8;
const MUCH = 1 << 20;
/** Milliseconds between two comments that show that the connection is alive. */
const SIGN_OF_LIFE = 15_000;

/** The open streams. */
export class RunStreams {
  readonly #read: (runId: string) => RunText | undefined;
  readonly #most: number;
  readonly #listeners = new Set<Listener>();
  /** The newest state of each run with listeners. */
  readonly #states = new Map<string, State>();
  readonly #encoder = new TextEncoder();

  /** When all listeners were last served, and how long that took, in milliseconds. */
  #last = { end: 0, took: 0 };
  #later: ReturnType<typeof setTimeout> | undefined;
  /** The listeners that are still to be served, and whether something has changed meanwhile. */
  #round: Listener[] | undefined;
  #hasChanged = false;

  /** `read` returns the present state of a run. */
  constructor(read: (runId: string) => RunText | undefined, most = MOST_STREAMS) {
    this.#read = read;
    this.#most = most;
  }

  /** Opens a stream of a run. Returns a refusal if too many are open. */
  open(runId: string): Response {
    if (this.#listeners.size >= this.#most) return tooMany(this.#most);
    const state = this.#stateOf(runId);
    let listener: Listener;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        const timer = setInterval(() => {
          if (isReady(listener)) controller.enqueue(this.#encoder.encode(": alive\n\n"));
        }, SIGN_OF_LIFE);
        (timer as { unref?: () => void }).unref?.();
        listener = { runId, controller, timer, told: undefined, isBehind: false };
        this.#listeners.add(listener);
        this.#tellOne(listener, state);
      },
      pull: () => {
        if (listener.isBehind) this.tell();
      },
      cancel: () => this.#forget(listener),
    });
    return new Response(body, { headers: STREAM_HEADERS });
  }

  get isEmpty(): boolean {
    return this.#listeners.size === 0;
  }

  /**
   * Sends changes to all listeners: at once, unless that would take too much of the engine's time. A listener that has
   * not read an earlier event gets the newest state later.
   */
  tell(): void {
    if (this.isEmpty || this.#later !== undefined) return;
    if (this.#round !== undefined) {
      this.#hasChanged = true;
      return;
    }
    const rest = this.#last.end + this.#last.took * WORK - performance.now();
    if (this.#last.took > QUICK && rest > 0) {
      this.#later = setTimeout(() => {
        this.#later = undefined;
        this.tell();
      }, rest);
      return;
    }
    const ready: Listener[] = [];
    for (const listener of this.#listeners) {
      if (isReady(listener)) ready.push(listener);
      else listener.isBehind = true;
    }
    // Sorted by run, so that each run is read once.
    this.#round = ready.sort((a, b) => (a.runId < b.runId ? -1 : Number(a.runId > b.runId)));
    this.#goOn(0, new Map());
  }

  /** Serves the other listeners, as many as fit into a turn. */
  #goOn(took: number, states: Map<string, State>): void {
    const start = performance.now();
    let bytes = 0;
    for (;;) {
      const listener = this.#round?.shift();
      if (listener === undefined) break;
      if (!this.#listeners.has(listener)) continue;
      const state = states.get(listener.runId) ?? this.#stateOf(listener.runId);
      states.set(listener.runId, state);
      if (this.#tellOne(listener, state)) bytes += state.event.byteLength;
      if (bytes < MUCH && performance.now() - start < LONG) continue;
      const sum = took + performance.now() - start;
      nextTurn(() => this.#goOn(sum, states));
      return;
    }
    const end = performance.now();
    this.#last = { end, took: took + end - start };
    this.#round = undefined;
    if (!this.#hasChanged) return;
    this.#hasChanged = false;
    this.tell();
  }

  /** Ends all streams. */
  close(): void {
    clearTimeout(this.#later);
    for (const listener of [...this.#listeners]) {
      this.#forget(listener);
      listener.controller.close();
    }
  }

  #stateOf(runId: string): State {
    // A run that was dropped has ended.
    const { text, isOver: isFinal } = this.#read(runId) ?? { text: undefined, isOver: true };
    const known = this.#states.get(runId);
    if (known?.text === text && known !== undefined) return known;
    // The core writes the text in one line.
    const event = this.#encoder.encode(text === undefined ? ": forgotten\n\n" : `data: ${text}\n\n`);
    const state = { text, event, isFinal };
    this.#states.set(runId, state);
    return state;
  }

  /** Sends a state to a listener. Returns whether it was new to it. */
  #tellOne(listener: Listener, state: State): boolean {
    listener.isBehind = false;
    if (listener.told === state) return false;
    listener.told = state;
    const { controller } = listener;
    controller.enqueue(state.event);
    if (state.isFinal) {
      this.#forget(listener);
      controller.close();
    }
    return true;
  }

  #forget(listener: Listener): void {
    clearInterval(listener.timer);
    this.#listeners.delete(listener);
    const { runId } = listener;
    for (const other of this.#listeners) if (other.runId === runId) return;
    this.#states.delete(runId);
  }
}

/** Whether a listener has read everything sent to it. */
const isReady = ({ controller }: Listener): boolean => (controller.desiredSize ?? 0) > 0;

/** The refusal of a stream above the limit. */
function tooMany(most: number): Response {
  const message = `more event streams are open than ${most}`;
  return refusal(
    503,
    "LIMIT_EXCEEDED",
    message,
    { "retry-after": "5" },
    {
      help: "end some, or raise `maxStreams` of the engine to allow more",
      details: { limit: "maxStreams", allowed: most },
    },
  );
}
