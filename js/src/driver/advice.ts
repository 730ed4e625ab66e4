/** Advice on the tasks of a driver, which comes from the workflow module: the core module is too small to hold it. */

import type { Diagnostic } from "../shared/errors.js";

let adviser: ((tasks: string) => Diagnostic[]) | undefined;

/**
 * @internal Sets the function that gives advice on tasks, which are JSON text. A module calls this when it is loaded or
 * can be.
 */
export function offerAdvice(advise: (tasks: string) => Diagnostic[]): void {
  adviser = advise;
}

/** @internal All findings about tasks; `undefined` if no module gives advice. */
export function adviceOn(tasks: string): Diagnostic[] | undefined {
  return adviser?.(tasks);
}
