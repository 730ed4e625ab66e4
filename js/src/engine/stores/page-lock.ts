/** A lock between the pages of an origin, by Web Locks. */

/** A lock that this page holds. */
export interface PageLock {
  /** Whether the browser guarantees the lock. Pages without a secure context have no Web Locks. */
  readonly isCertain: boolean;
  release(): void;
  /** Takes the lock again after its release; undefined if another page holds it or waits for it. */
  again(): Promise<PageLock | undefined>;
}

/** Waits for a lock. Without Web Locks, returns one at once that is not certain. */
export async function pageLock(name: string, signal?: AbortSignal): Promise<PageLock> {
  const locks = (globalThis.navigator as Partial<Navigator> | undefined)?.locks;
  if (locks === undefined) {
    const none: PageLock = { isCertain: false, release: () => {}, again: async () => none };
    return none;
  }
  return await new Promise((resolve, reject) => {
    // A lock that arrives after the abort is released at once. The `signal` of the request is not used, because
    // Chromium was seen to wait on after it had fired.
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
