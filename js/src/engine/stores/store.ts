/** The interface of stores, in which an engine keeps its journal to survive a restart. */

import { errorOf, type HighwayError } from "../../shared/errors.js";
import { reasonOf } from "./reasons.js";

/**
 * Keeps the journal of an engine: entries in order. The engine calls one method at a time, except that it may call
 * `close` while `load` waits.
 */
export interface EngineStore {
  /** Name of the journal in errors, such as ``the journal `runs/journal` ``; default: `the journal`. */
  readonly name?: string;
  /**
   * Takes the store and returns all stored entries, from the first. Called once before the first `append`, and again
   * after each `close`. If another engine uses the store, wait for it or throw an error. `signal` fires when the engine
   * is closed during the call; a wait may then end.
   */
  load(signal?: AbortSignal): AsyncIterable<string> | Iterable<string>;
  /**
   * Stores entries. When the promise is fulfilled, they must survive the end of the process; the engine carries out
   * their effects only then. It never calls `append` again before the promise is settled. If it rejects, the engine
   * stops: every request fails until another engine opens the store.
   */
  append(entries: readonly string[]): Promise<void>;
  /**
   * Replaces all stored entries. If the process ends at any moment, the store has either the old or the new entries,
   * complete. If the promise rejects, the old entries are still there, and further entries are appended to them.
   * Without this method, the journal only grows.
   */
  replace?(entries: Iterable<string>): Promise<void>;
  /** Releases the store. Also called after a failure, so that another engine can open it. */
  close?(): Promise<void>;
}

/** @internal The error of an engine whose store now belongs to another engine. */
export function lost(what: string): HighwayError {
  return errorOf("STORE_IN_USE", `${what} was taken over by another engine`, {
    help: "two engines must not use one store; the other one continues the runs, and this one has stopped",
  });
}

/** @internal The `JOURNAL_INVALID` of a store that failed. The error of the store is the `cause`. */
export function storeFailed(message: string, error: unknown, help: string): HighwayError {
  return errorOf("JOURNAL_INVALID", `${message}: ${reasonOf(error)}`, { help, cause: error });
}
