/** Server-sent events: the changes of runs, for who listens. */

import type { RunText } from "../effects.js";
import { refusal } from "./refusal.js";
import { nextTurn } from "../../shared/turns.js";

/** What is told of a run. */
interface State {
  /** The JSON text of the run; undefined where it is forgotten. */
  readonly text: string | undefined;
  /** The event that tells it, made once for all who listen. */
  readonly event: Uint8Array;
  readonly isFinal: boolean;
}

interface Listener {
  readonly runId: string;
  readonly controller: ReadableStreamDefaultController<Uint8Array>;
  /** Shows that the connection lives. */
  readonly timer: ReturnType<typeof setInterval>;
  told: State | undefined;
  /** Whether there may be something that was not told, because what was told before has not been read. */
  isBehind: boolean;
}

/** Headers of the answer that is a stream. */
export const STREAM_HEADERS = { "content-type": "text/event-stream", "cache-control": "no-store" };

/** Streams that may be open when nobody says otherwise. */
const MOST_STREAMS = 256;

/**
 * Milliseconds that telling may take each time. What takes longer is done less often: for each millisecond so many are
 * free.
 */
const QUICK = 2;
const WORK = 9;
/** Milliseconds and bytes after which telling goes on in the next turn: what is told is then sent. */
const LONG = 8;
const MUCH = 1 << 20;
/** Milliseconds after which a comment shows that the connection lives. */
const SIGN_OF_LIFE = 15_000;

/** The streams that are open. */
export class RunStreams {
  readonly #read: (runId: string) => RunText | undefined;
  readonly #most: number;
  readonly #listeners = new Set<Listener>();
  /** The newest state of each run that somebody listens to. */
  readonly #states = new Map<string, State>();
  readonly #encoder = new TextEncoder();

  /** When everybody was told last, and how long that took, in milliseconds. */
  #last = { end: 0, took: 0 };
  #later: ReturnType<typeof setTimeout> | undefined;
  /** Those who are being told, and whether something has changed meanwhile. */
  #round: Listener[] | undefined;
  #hasChanged = false;

  /** `read` gives a run as it is. */
  constructor(read: (runId: string) => RunText | undefined, most = MOST_STREAMS) {
    this.#read = read;
    this.#most = most;
  }

  /** Opens a stream of a run; a refusal where as many are open as may be. */
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
   * Tells all who listen what has changed: at once, unless that takes so long that it would keep the engine from its
   * work. Who has not read what was told before is told the newest state once it has.
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
    // Those of one run follow each other, so that it is read once.
    this.#round = ready.sort((a, b) => (a.runId < b.runId ? -1 : Number(a.runId > b.runId)));
    this.#goOn(0, new Map());
  }

  /** Tells the others of a round, as many as may be in one turn. */
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
    // A run that is forgotten is over.
    const { text, isOver: isFinal } = this.#read(runId) ?? { text: undefined, isOver: true };
    const known = this.#states.get(runId);
    if (known?.text === text && known !== undefined) return known;
    // The core writes on one line.
    const event = this.#encoder.encode(text === undefined ? ": forgotten\n\n" : `data: ${text}\n\n`);
    const state = { text, event, isFinal };
    this.#states.set(runId, state);
    return state;
  }

  /** Whether there was something to tell. */
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

/** Whether a listener has read what it was told. */
const isReady = ({ controller }: Listener): boolean => (controller.desiredSize ?? 0) > 0;

/** The refusal of one stream too many. */
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
