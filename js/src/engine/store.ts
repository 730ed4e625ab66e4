/** Where an engine keeps what has happened, so that it goes on after a restart. */

/** Keeps the journal of an engine: entries in the order in which they came. */
export interface EngineStore {
  /** Everything that was kept, from the beginning. Called once, before anything is appended. */
  load(): AsyncIterable<string> | Iterable<string>;
  /**
   * Keeps entries; once the promise is fulfilled they must survive the end of the process. The engine does nothing that
   * follows from them before, and never calls this again before the promise is settled.
   */
  append(entries: readonly string[]): Promise<void>;
  /** Releases what it holds. */
  close?(): Promise<void>;
}

/**
 * A store in the IndexedDB of a browser, by the name of its database. One engine at a time may use it: another one waits until
 * the first is closed, or its page is.
 *
 * @example
 * <!-- not run: only browsers have IndexedDB -->
 * ```js
 * import { indexedDbStore, LocalEngine } from "highway-wasm/engine";
 *
 * const engine = new LocalEngine({ store: indexedDbStore("my-workflows") });
 * ```
 */
export function indexedDbStore(name: string): EngineStore {
  let opened: Promise<IDBDatabase> | undefined;
  let release: (() => void) | undefined;
  const open = async (): Promise<IDBDatabase> => {
    // Where the browser has locks, two pages do not write into each other's journal.
    await new Promise<void>((resolve) => {
      const locks = (globalThis.navigator as Partial<Navigator> | undefined)?.locks;
      if (locks === undefined) resolve();
      else {
        void locks.request(`highway-wasm:${name}`, () => {
          resolve();
          return new Promise<void>((end) => {
            release = end;
          });
        });
      }
    });
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => request.result.createObjectStore("journal", { autoIncrement: true });
    return await settled(request);
  };
  const database = (): Promise<IDBDatabase> => {
    opened ??= open();
    return opened;
  };
  return {
    async *load() {
      const journal = (await database()).transaction("journal").objectStore("journal");
      yield* (await settled(journal.getAll())) as string[];
    },
    async append(entries) {
      const transaction = (await database()).transaction("journal", "readwrite", { durability: "strict" });
      const journal = transaction.objectStore("journal");
      for (const entry of entries) journal.add(entry);
      await new Promise<void>((resolve, reject) => {
        transaction.oncomplete = () => resolve();
        transaction.onabort = () => reject(transaction.error ?? new Error("the transaction was aborted"));
      });
    },
    async close() {
      if (opened) (await opened).close();
      opened = undefined;
      release?.();
    },
  };
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("the request failed"));
  });
}
