/** Prints large values in steps. */

import { bigJson } from "../../shared/json.js";
import { checkText, Walk } from "../../shared/plain.js";
import type { Steps } from "../../shared/steps.js";

/** The weight, as `Walk` counts it, above which a part is split into several steps. */
const HEAVY = 1 << 14;
/** The weight of a part that the walk has not listed. */
const FEW = 8;

/**
 * Prints like `plainText` of `plain.ts`, in steps.
 *
 * @param most Items and fields that a value may have. `tooMany` creates the error for a larger one.
 */
export function* textInSteps(value: unknown, most: number, tooMany: () => Error): Steps<string> {
  const walk = new Walk("", { most, tooMany });
  yield* walk.check(value);
  const text = yield* new Writer(walk).text(value);
  yield* checkText(text, value, "");
  return text;
}

/** Prints a value that a walk has checked. */
class Writer {
  readonly #walk: Walk;
  /** Printed parts, because answers contain large parts twice. */
  readonly #known = new Map<object, string>();

  constructor(walk: Walk) {
    this.#walk = walk;
  }

  *text(value: unknown): Steps<string> {
    return (yield* this.#part(value)) ?? "null";
  }

  #weight(value: unknown): number {
    if (typeof value === "string") return 1 + (value.length >> 5);
    return this.#walk.weights.get(value) ?? (typeof value === "object" ? FEW : 1);
  }

  /** Prints like `JSON.stringify`; undefined for `undefined`. */
  #atOnce(value: unknown): string | undefined {
    return this.#walk.hasBig ? bigJson(value) : JSON.stringify(value);
  }

  *#part(value: unknown): Steps<string | undefined> {
    const hasParts = typeof value === "object" && value !== null && !("toJSON" in value);
    if (!hasParts || this.#weight(value) < HEAVY) return this.#atOnce(value);
    const known = this.#known.get(value);
    if (known !== undefined) return known;
    yield;
    const text = Array.isArray(value)
      ? `[${yield* this.#items(value)}]`
      : `{${yield* this.#fields(value as Record<string, unknown>)}}`;
    this.#known.set(value, text);
    return text;
  }

  *#items(items: readonly unknown[]): Steps<string> {
    let text = "";
    for (let at = 0; at < items.length; ) {
      let [end, weight] = [at, 0];
      for (; end < items.length && weight < HEAVY; end += 1) weight += this.#weight(items[end]);
      // The last item may be heavy. A heavy part is split.
      if (end - 1 > at) text += `,${(this.#atOnce(items.slice(at, end - 1)) as string).slice(1, -1)}`;
      text += `,${(yield* this.#part(items[end - 1])) ?? "null"}`;
      at = end;
      yield;
    }
    return text.slice(1);
  }

  *#fields(fields: Readonly<Record<string, unknown>>): Steps<string> {
    let [text, weight] = ["", 0];
    for (const name of Object.keys(fields)) {
      const part = yield* this.#part(fields[name]);
      if (part !== undefined) text += `,${JSON.stringify(name)}:${part}`;
      weight += this.#weight(fields[name]);
      if (weight < HEAVY) continue;
      weight = 0;
      yield;
    }
    return text.slice(1);
  }
}
