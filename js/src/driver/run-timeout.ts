/** Builds a driver's definition for a run that is not started by its own `run`. */

/**
 * @internal The driver's method that returns the default time limit of a run, in seconds. Copies of the package share
 * this symbol.
 */
export const RUN_TIMEOUT: unique symbol = Symbol.for("highway-wasm.run-timeout");

/**
 * @internal The definition of an object with `build()`. A driver's definition gets the time limit that its own `run`
 * would give it.
 */
export function builtToRun(source: { build(options?: object): unknown; [RUN_TIMEOUT]?(): number }): unknown {
  const timeout = source[RUN_TIMEOUT]?.();
  return timeout === undefined ? source.build() : source.build({ timeout });
}
