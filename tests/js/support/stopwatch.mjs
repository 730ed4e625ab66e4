// Time as this process sees it. A machine with other work gives a process its turns late; the hands of a clock on the wall go on meanwhile.

/** Milliseconds between two turns that are counted. */
const TURN = 10;

/**
 * Starts a stopwatch that counts turns of the event loop, one each 10 ms: a turn that comes late counts once. `stop()` gives
 * milliseconds. Use it where something must not be waited for; where something has to be waited for, use a clock.
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
