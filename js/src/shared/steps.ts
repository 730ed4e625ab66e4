/** Work in steps, so that others can have their turn between them. */

/** Characters or bytes that one step reads. */
export const PIECE = 1 << 18;
/** Values that one step visits. */
export const MANY = 1 << 15;

/** What a generator of steps gives in the end. */
export type Steps<T> = Generator<void, T, void>;

/** Takes all steps at once. */
export function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value as T;
  }
}
