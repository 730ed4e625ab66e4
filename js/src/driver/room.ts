/** Drivers whose definition runs elsewhere than by their own `run`. */

/** @internal The method of a driver that tells the time limit of a run for which none is given. Copies of the package share it. */
export const ROOM: unique symbol = Symbol.for("highway-wasm.room");

/** @internal The definition of what has a `build()`: that of a driver with the time limit that its own `run` gives it. */
export function builtToRun(source: { build(options?: object): unknown; [ROOM]?(): number }): unknown {
  const timeout = source[ROOM]?.();
  return timeout === undefined ? source.build() : source.build({ timeout });
}
