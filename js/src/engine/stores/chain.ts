/** The order of the entries of a journal. */

import { errorOf, type HighwayError } from "../../shared/errors.js";

/** What stands before an entry: its number, and the checksum of it and of all entries before it. */
const HEAD = /^\[(\d{1,15}),"([0-9a-f]{16})",/;

/**
 * Numbers entries and chains them, so that a missing, repeated, moved or changed entry is found in whatever store they were. The text
 * that a store keeps is the JSON array `[number, checksum, entry]`. Entries of the first journals stand there without number and
 * checksum; they are read as long as no numbered one came before.
 */
export class Chain {
  readonly #name: string;
  #count = 0;
  #sum: Sum = [0xdeadbeef, 0x41c6ce57];
  #isNumbered = false;

  /** A chain without entries yet; `name` is what errors call the journal. */
  constructor(name = "the journal") {
    this.#name = name;
  }

  /** A copy, which goes on by itself. */
  copy(): Chain {
    const copy = new Chain(this.#name);
    [copy.#count, copy.#sum, copy.#isNumbered] = [this.#count, this.#sum, this.#isNumbered];
    return copy;
  }

  /** The text of the next entry for the store. */
  write(entry: string): string {
    this.#add(entry);
    this.#isNumbered = true;
    return `[${this.#count},"${hexOf(this.#sum)}",${entry}]`;
  }

  /**
   * The entry in the next text of a store.
   *
   * @throws {ExecutionError} `JOURNAL_INVALID` where it is not the one that follows.
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
    // A text is read faster than a slice of it.
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

/** 64 bits of a part of a text and of the sum before it: two multiplicative hashes, mixed at the end (after `cyrb53` by bryc, public domain). */
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
