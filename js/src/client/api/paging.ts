/** Reads a paged list that may change meanwhile. Positions are counted from 0. */

import { errorOf } from "../../shared/errors.js";
import { bigJson } from "../../shared/json.js";

/** One page of a list. */
export interface Page<T> {
  /** The items of the page. */
  readonly items: readonly T[];
  /** Number of the page, from 1. */
  readonly number: number;
  /** Number of items on all pages; null if the server does not send it. */
  readonly total: number | null;
  /** The data of the answer, as the server sent it. */
  readonly raw: unknown;
}

/** @internal Where a page begins, as a page number and as an offset. A list uses one of the two. */
export interface Place {
  readonly number: number;
  readonly offset: number;
}

/** @internal A server's list, and what is known about it. */
export interface ListSource<T> {
  read(place: Place): Promise<Page<T>>;
  /** The id of an item; undefined if the item has none. */
  idOf(item: T): unknown;
  /** Items on a full page. */
  pageSize: number;
  /** Whether a page may begin at any position. */
  isOffset: boolean;
  signal: AbortSignal | undefined;
}

/** Looks back that are allowed for each look forward. If a list changes all the time, looking back must end. */
const MOST_LOOKS_BACK = 3;
/**
 * How often the same page may come again. A server that ignores page numbers always sends the same one; a list that
 * grows by a page does so once.
 */
const MOST_REPEATS = 2;
/** Empty pages in a row that are allowed while the server says that there is more. */
const MOST_EMPTY = 1000;

/** The positions from `from` to `to`, which is excluded. */
type Range = readonly [from: number, to: number];

/** @internal Decides which page to read next, and when the list is complete. */
export class Paging<T> {
  readonly #source: ListSource<T>;
  /** Whether to read positions again to which unread items may have moved. */
  readonly #looksBack: boolean;
  #read: Range[] = [];
  #furthest = 0;
  /** How many items may leave the list before the next answer: as many as left it before the latest one. */
  #slack = 0;
  #onwards = 0;
  #back = 0;
  #repeats = 0;
  #empty = 0;
  #size: number;
  #latest: { readonly total: number | null; readonly text: string } | undefined;
  #end = Number.POSITIVE_INFINITY;

  constructor(source: ListSource<T>, looksBack: boolean) {
    this.#source = source;
    this.#looksBack = looksBack;
    this.#size = source.pageSize;
  }

  /** The page with the first unread item. */
  get place(): Place {
    const gap = this.#gap();
    if (gap === 0) return { number: 1, offset: 0 };
    const number = Math.floor(gap / this.#size) + 1;
    return {
      number,
      offset: this.#source.isOffset ? Math.max(0, gap - this.#slack) : (number - 1) * this.#size,
    };
  }

  get isOver(): boolean {
    return this.#gap() >= this.#end || this.#repeats >= MOST_REPEATS;
  }

  /** Takes in a page that was read at `place`. */
  add({ items, total, raw }: Page<T>, place: Place): void {
    const { idOf, isOffset } = this.#source;
    const answer = Object(raw) as Readonly<Record<string, unknown>>;
    if (this.#latest === undefined) this.#size = this.#sizeOf(items.length, total, answer);
    const ids = items.map(idOf);
    // Without ids, an item that is read twice cannot be recognized.
    const haveIds = ids.every((id) => id !== undefined);
    const change = (total ?? 0) - (this.#latest?.total ?? total ?? 0);
    if (this.#looksBack && haveIds) this.#adjust(change);
    const { offset } = place;
    const to = offset + (isOffset ? items.length : Math.max(items.length, this.#size));
    const isOnwards = to > this.#furthest;
    if (isOnwards) this.#onwards += 1;
    else this.#back += 1;
    this.#furthest = Math.max(this.#furthest, to);
    this.#read = joined([...this.#read, [offset, to]]);
    this.#end = this.#endOf(items.length, total, answer, offset);
    const text = bigJson(haveIds ? ids : items);
    if (isOnwards && items.length > 0 && change <= 0) {
      this.#repeats = text === this.#latest?.text ? this.#repeats + 1 : 0;
    }
    this.#latest = { total, text };
    this.#empty = items.length === 0 ? this.#empty + 1 : 0;
    if (this.#empty > MOST_EMPTY) {
      throw errorOf(
        "API_RESPONSE_INVALID",
        `the server gave ${MOST_EMPTY} empty pages and says there is more`,
      );
    }
  }

  #gap(): number {
    const [first] = this.#read;
    return first?.[0] === 0 ? first[1] : 0;
  }

  /** Adjusts what was read after the list grew or shrank. In the lists of this API, new items come first. */
  #adjust(change: number): void {
    this.#slack = Math.max(0, -change);
    // Removed items move the end of a read range forward, by at most the slack. Its start stays.
    const shrunk = this.#read.map(([from, to]): Range => [from, to - this.#slack]);
    if (change < 0) this.#read = shrunk.filter(([from, to]) => from < to);
    // After the first gap, unread items may have moved to positions that were read.
    if (change > 0) this.#read = [[0, this.#gap()]];
    if (this.#back >= MOST_LOOKS_BACK * this.#onwards) {
      this.#read = [[0, this.#furthest]];
      this.#slack = 0;
    }
  }

  /** The real page size: a server may send fewer items than requested. */
  #sizeOf(length: number, total: number | null, answer: Readonly<Record<string, unknown>>): number {
    const sizes = [answer["page_size"], answer["per_page"], answer["limit"]];
    const echoed = sizes.find((size) => Number.isInteger(size) && (size as number) > 0);
    if (echoed !== undefined) return echoed as number;
    const isMore = answer["has_more"] === true || length < (total ?? 0);
    return isMore && length > 0 ? Math.min(length, this.#size) : this.#size;
  }

  /** The end of the list, as far as a page shows it. */
  #endOf(
    length: number,
    total: number | null,
    answer: Readonly<Record<string, unknown>>,
    offset: number,
  ): number {
    const hasMore = answer["has_more"];
    // A page may be empty before the end, because a proxy omits items that its users may not see.
    if (typeof hasMore === "boolean") return hasMore ? Number.POSITIVE_INFINITY : offset + length;
    if (length === 0) return offset;
    if (total !== null) return total;
    // A page larger than requested comes from a server without pages.
    return length === this.#size ? Number.POSITIVE_INFINITY : offset + length;
  }
}

/**
 * Sorted ranges, with adjacent ones merged. An item that leaves the list from inside a merged range is missing at its
 * end only.
 */
function joined(ranges: readonly Range[]): Range[] {
  const found: Range[] = [];
  for (const [from, to] of [...ranges].sort(([one], [other]) => one - other)) {
    const last = found.at(-1);
    if (last && from <= last[1]) found[found.length - 1] = [last[0], Math.max(last[1], to)];
    else found.push([from, to]);
  }
  return found;
}

/** @internal A count that a server sent; null if it is not a whole number. */
export const countOf = (total: unknown): number | null =>
  Number.isInteger(total) && (total as number) >= 0 ? (total as number) : null;
