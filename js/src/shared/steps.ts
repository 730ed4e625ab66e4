/** Long work as a generator of steps. The caller decides how often other work gets a turn. */

/** Characters or bytes that one step reads. */
export const PIECE = 1 << 18;
/** Values that one step visits. */
export const MANY = 1 << 15;

/** A generator that does one step at a time and returns the result. */
export type Steps<T> = Generator<void, T, void>;

/** Takes all steps at once, and returns the result. */
export function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value as T;
  }
}
