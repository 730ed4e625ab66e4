// Time as this process sees it. On a busy machine, a process gets its turns late, while a clock continues.

/** Milliseconds between two turns that are counted. */
const TURN = 10;

/**
 * Starts a stopwatch that counts turns of the event loop, one each 10 ms. A late turn counts once. `stop()` returns
 * milliseconds. Use it to check that something is not awaited; to check that something is awaited, use a clock.
 */
export function stopwatch() {
  let turns = 0;
  const timer = setInterval(() => {
    turns += 1;
  }, TURN);
  timer.unref();
  return {
    stop() {
      clearInterval(timer);
      return turns * TURN;
    },
  };
}
