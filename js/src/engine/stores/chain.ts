/** Protects the order of a journal's entries. */

import { errorOf, type HighwayError } from "../../shared/errors.js";

/** The text before an entry: its number, and the checksum of all entries up to it. */
const HEAD = /^\[(\d{1,15}),"([0-9a-f]{16})",/;

/**
 * Numbers and chains entries, so that a missing, repeated, moved or changed entry is found in any store. A store keeps
 * the JSON array `[number, checksum, entry]`. Entries of the first versions have neither number nor checksum; they are
 * accepted before the first numbered entry.
 */
export class Chain {
  readonly #name: string;
  #count = 0;
  #sum: Sum = [0xdeadbeef, 0x41c6ce57];
  #isNumbered = false;

  /** An empty chain. `name` is the journal's name in errors. */
  constructor(name = "the journal") {
    this.#name = name;
  }

  /** The text to store for the next entry. */
  write(entry: string): string {
    this.#add(entry);
    this.#isNumbered = true;
    return `[${this.#count},"${hexOf(this.#sum)}",${entry}]`;
  }

  /**
   * The entry inside the next stored text.
   *
   * @throws {ExecutionError} `JOURNAL_INVALID` if it is not the next entry.
   */
  read(text: string): string {
    const [head, digits, sum] = HEAD.exec(text) ?? [];
    const next = this.#count + 1;
    if (head === undefined) {
      if (this.#isNumbered) throw this.#broken(next, `entry ${next} is damaged`);
      this.#add(text);
      return text;
    }
    const number = Number(digits);
    if (number > next) throw this.#broken(next, `entry ${next} is missing`);
    if (number < next) throw this.#broken(next, `entry ${number} stands in the place of entry ${next}`);
    // Reading a whole text is faster than reading a slice of it.
    this.#add(text, head.length, text.length - 1);
    this.#isNumbered = true;
    if (sum !== hexOf(this.#sum) || !text.endsWith("]")) throw this.#broken(next, `entry ${next} is damaged`);
    return text.slice(head.length, -1);
  }

  #broken(entry: number, what: string): HighwayError {
    return errorOf("JOURNAL_INVALID", `${this.#name} is damaged: ${what}`, {
      details: { entry },
      help: "restore it from a copy, or move it away to begin anew; nothing in it was changed",
    });
  }

  #add(text: string, from = 0, to = text.length): void {
    this.#count += 1;
    this.#sum = sumOf(text, from, to, this.#sum);
  }
}

type Sum = readonly [number, number];

const hexOf = (sum: Sum): string => sum.map((half) => half.toString(16).padStart(8, "0")).join("");

/**
 * A 64-bit checksum of a part of a text and of the checksum before it: two multiplicative hashes, mixed at the end
 * (after `cyrb53` by bryc, public domain).
 */
function sumOf(text: string, from: number, to: number, [first, second]: Sum): Sum {
  let [one, two] = [first, second];
  for (let at = from; at < to; at++) {
    const unit = text.charCodeAt(at);
    one = Math.imul(one ^ unit, 2654435761);
    two = Math.imul(two ^ unit, 1597334677);
  }
  const high = Math.imul(one ^ (one >>> 16), 2246822507) ^ Math.imul(two ^ (two >>> 13), 3266489909);
  const low = Math.imul(two ^ (two >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  return [high >>> 0, low >>> 0];
}
