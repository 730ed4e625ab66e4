/** The journal of an engine in the IndexedDB of a browser. */

import { errorOf, type HighwayError } from "../errors.js";
import { type EngineStore, storeFailed } from "./store.js";

const JOURNAL = "journal";
/** Entries that are read at once. */
const PAGE = 1000;

/**
 * A store in the IndexedDB of a browser, by the name of its database. One engine at a time may use it: another one waits until
 * the first is closed, or its page is. What the browser has no room for makes the engine stand still.
 *
 * @example
 * <!-- not run: only browsers have IndexedDB -->
 * ```js
 * import { indexedDbStore, LocalEngine } from "highway-wasm/engine";
 *
 * const engine = new LocalEngine({ store: indexedDbStore("my-workflows") });
 * ```
 *
 * @throws {ExecutionError} `JOURNAL_INVALID` when the engine first uses it: the browser keeps no data here, or the database is of
 * somebody else.
 */
export function indexedDbStore(name: string): EngineStore {
  let opened: Promise<IDBDatabase> | undefined;
  let release: (() => void) | undefined;
  /** Why the database is not ours any more. */
  let lost: HighwayError | undefined;

  const database = async (signal?: AbortSignal): Promise<IDBDatabase> => {
    opened ??= (async () => {
      release = await lock(`highway-wasm:${name}`, signal);
      const found = await open(name);
      const lose = (): void => {
        lost = errorOf(
          "JOURNAL_INVALID",
          `the database \`${name}\` was deleted or changed by somebody else`,
          {
            help: "reload the page; where the browser's data was cleared, runs begin anew",
          },
        );
      };
      // Who wants to delete or change the database is not kept waiting: nothing could be kept in it afterwards.
      found.onversionchange = () => {
        found.close();
        lose();
      };
      found.onclose = lose;
      return found;
    })();
    const found = await opened;
    if (lost) throw lost;
    return found;
  };

  /** Changes the journal at once, or not at all. */
  const write = async (change: (journal: IDBObjectStore) => void): Promise<void> => {
    const transaction = (await database()).transaction(JOURNAL, "readwrite", { durability: "strict" });
    const ended = new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () =>
        reject(transaction.error ?? lost ?? new Error("the browser aborted the transaction"));
    });
    try {
      change(transaction.objectStore(JOURNAL));
    } catch (error) {
      transaction.abort();
      await ended.catch(() => {});
      throw error;
    }
    await ended;
  };

  return {
    async *load(signal) {
      for (let range: IDBKeyRange | null = null; ; ) {
        const journal: IDBObjectStore = (await database(signal)).transaction(JOURNAL).objectStore(JOURNAL);
        const [keys, entries] = (await Promise.all([
          settled(journal.getAllKeys(range, PAGE)),
          settled(journal.getAll(range, PAGE)),
        ])) as [IDBValidKey[], string[]];
        yield* entries;
        if (keys.length < PAGE) return;
        range = IDBKeyRange.lowerBound(keys.at(-1), true);
      }
    },
    async append(entries) {
      await write((journal) => {
        for (const entry of entries) journal.add(entry);
      });
    },
    async replace(entries) {
      await write((journal) => {
        journal.clear();
        for (const entry of entries) journal.add(entry);
      });
    },
    async close() {
      try {
        (await opened)?.close();
      } catch {
        // It was never open.
      }
      opened = undefined;
      release?.();
      release = undefined;
    },
  };
}

/** Waits for a lock, where the browser has them, so that two pages do not write into one journal. Gives how to release it. */
async function lock(name: string, signal: AbortSignal | undefined): Promise<() => void> {
  const locks = (globalThis.navigator as Partial<Navigator> | undefined)?.locks;
  if (locks === undefined) return () => {};
  return await new Promise((resolve, reject) => {
    // A lock that comes when nobody waits for it any more is given back at once. The `signal` of the request is not relied
    // on: in Chromium one was seen to wait on after it had fired.
    let isWanted = true;
    const abort = (): void => {
      isWanted = false;
      reject(signal?.reason);
    };
    if (signal?.aborted) return abort();
    signal?.addEventListener("abort", abort, { once: true });
    const held = (): Promise<void> | undefined => (isWanted ? new Promise((end) => resolve(end)) : undefined);
    locks.request(name, held).catch(reject);
  });
}

async function open(name: string): Promise<IDBDatabase> {
  if (globalThis.indexedDB === undefined) {
    throw errorOf("JOURNAL_INVALID", "there is no IndexedDB here", {
      help: "only browsers have it; `highway-wasm/node` has stores for Node, `durableObjectStore` is for Cloudflare Workers",
    });
  }
  try {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(JOURNAL, { autoIncrement: true });
    return await settled(request);
  } catch (error) {
    const help =
      "private windows and full disks can be the reason; another program's database needs another name";
    throw storeFailed(`the database \`${name}\` could not be opened`, error, help);
  }
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("the request failed"));
  });
}
