/** Web Locks: which page of an origin has something. */

/** What a page has, as far as the browser can say. */
export interface PageLock {
  /** Whether no other page can have it: there are no Web Locks in pages without a secure context. */
  readonly isCertain: boolean;
  release(): void;
  /** Takes it again after it was released; undefined where another page has it, or waits for it. */
  again(): Promise<PageLock | undefined>;
}

/** Waits for a lock, where the browser has them. */
export async function pageLock(name: string, signal?: AbortSignal): Promise<PageLock> {
  const locks = (globalThis.navigator as Partial<Navigator> | undefined)?.locks;
  if (locks === undefined) {
    const none: PageLock = { isCertain: false, release: () => {}, again: async () => none };
    return none;
  }
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
    locks
      .request(name, () =>
        isWanted ? new Promise<void>((end) => resolve(held(locks, name, end))) : undefined,
      )
      .catch(reject);
  });
}

const held = (locks: LockManager, name: string, release: () => void): PageLock => ({
  isCertain: true,
  release,
  again: () =>
    new Promise((resolve, reject) => {
      locks
        .request(name, { ifAvailable: true }, (lock) =>
          lock === null ? resolve(undefined) : new Promise<void>((end) => resolve(held(locks, name, end))),
        )
        .catch(reject);
    }),
});
