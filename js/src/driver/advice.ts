/** What the workflow module has to say about the tasks of a driver. The core module has no room for it. */

import type { Diagnostic } from "../shared/errors.js";

let adviser: ((tasks: string) => Diagnostic[]) | undefined;

/** @internal Called where a module is loaded, or can be, that has advice on tasks, given as JSON text. */
export function offerAdvice(advise: (tasks: string) => Diagnostic[]): void {
  adviser = advise;
}

/** @internal All findings about tasks; nothing where no module has them. */
export function adviceOn(tasks: string): Diagnostic[] | undefined {
  return adviser?.(tasks);
}
