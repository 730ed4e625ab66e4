/** Where an engine keeps what has happened, so that it goes on after a restart. */

import { errorOf, type HighwayError } from "../../shared/errors.js";
import { reasonOf } from "./reasons.js";

/**
 * Keeps the journal of an engine: entries in the order in which they came. The engine calls one method at a time, but for `close`
 * while `load` waits.
 */
export interface EngineStore {
  /** What errors call it, such as ``the journal `runs/journal` ``; `the journal` by default. */
  readonly name?: string;
  /**
   * Takes the store, and gives everything that was kept, from the beginning. Called once, before anything is appended, and once more
   * after each `close`. A store that another engine uses is waited for, or refused with an error. `signal` fires when the engine is
   * closed before that has ended: whoever waits for a lock then need not go on.
   */
  load(signal?: AbortSignal): AsyncIterable<string> | Iterable<string>;
  /**
   * Keeps entries; once the promise is fulfilled they must survive the end of the process. The engine does nothing that
   * follows from them before, and never calls this again before the promise is settled. When it rejects, the engine has stopped:
   * every request fails, until another engine opens the store.
   */
  append(entries: readonly string[]): Promise<void>;
  /**
   * Puts entries in the place of everything kept so far. The end of the process at any moment leaves what was kept before or the
   * new entries, whole. When it rejects, what was kept before is still there, and further entries are appended to it. Without
   * this method a journal only grows.
   */
  replace?(entries: Iterable<string>): Promise<void>;
  /** Releases what it holds; also called after a failure, so that another engine can open it. */
  close?(): Promise<void>;
}

/** @internal The refusal of an engine whose store belongs to another one by now. */
export function lost(what: string): HighwayError {
  return errorOf("STORE_IN_USE", `${what} was taken over by another engine`, {
    help: "two engines must not use one store; the other one continues the runs, and this one has stopped",
  });
}

/** @internal What a store failed with, as an error of ours; one that is stays as it is. */
export function storeFailed(message: string, error: unknown, help: string): HighwayError {
  return errorOf("JOURNAL_INVALID", `${message}: ${reasonOf(error)}`, { help, cause: error });
}
