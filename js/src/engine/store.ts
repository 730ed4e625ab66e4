/** Where an engine keeps what has happened, so that it goes on after a restart. */

import { errorOf, type HighwayError } from "../errors.js";
import { reasonOf } from "./reasons.js";

/**
 * Keeps the journal of an engine: entries in the order in which they came. The engine calls one method at a time, but for `close`
 * while `load` waits.
 */
export interface EngineStore {
  /**
   * Everything that was kept, from the beginning. Called once, before anything is appended. `signal` fires when the engine is
   * closed before that has ended: whoever waits for a lock then need not go on.
   */
  load(signal?: AbortSignal): AsyncIterable<string> | Iterable<string>;
  /**
   * Keeps entries; once the promise is fulfilled they must survive the end of the process. The engine does nothing that
   * follows from them before, and never calls this again before the promise is settled. When it rejects, the engine stands still:
   * every request fails, until another engine opens the store.
   */
  append(entries: readonly string[]): Promise<void>;
  /**
   * Puts entries in the place of everything kept so far. The end of the process at any moment leaves what was kept before or the
   * new entries, whole. When it rejects, what was kept before is still there, and further entries are appended to it. Without
   * this method a journal only grows.
   */
  replace?(entries: Iterable<string>): Promise<void>;
  /** Releases what it holds. */
  close?(): Promise<void>;
}

/** @internal What a store failed with, as an error of ours; one that is stays as it is. */
export function storeFailed(message: string, error: unknown, help: string): HighwayError {
  return errorOf("JOURNAL_INVALID", `${message}: ${reasonOf(error)}`, { help, cause: error });
}
