/** Abort signals that many calls share. */

/** Who waits for a signal. One listener serves all, since runtimes warn of a leak if many calls share a signal. */
const listeners = new WeakMap<
  AbortSignal,
  { readonly waiting: Set<() => void>; readonly tell: () => void }
>();

/** @internal Calls a function when a signal fires. Returns a function that stops that. */
export function listen(signal: AbortSignal, onAbort: () => void): () => void {
  let shared = listeners.get(signal);
  if (shared === undefined) {
    const waiting = new Set<() => void>();
    const tell = (): void => {
      for (const call of [...waiting]) call();
    };
    shared = { waiting, tell };
    listeners.set(signal, shared);
    signal.addEventListener("abort", shared.tell, { once: true });
  }
  const { waiting, tell } = shared;
  waiting.add(onAbort);
  return () => {
    waiting.delete(onAbort);
    if (waiting.size === 0) {
      signal.removeEventListener("abort", tell);
      listeners.delete(signal);
    }
  };
}
