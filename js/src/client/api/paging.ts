/** The way through a list that comes in pages while it may change. Positions are counted from 0. */

import { errorOf } from "../../shared/errors.js";
import { bigJson } from "../../shared/json.js";

/** One page of a list. */
export interface Page<T> {
  /** What is on it. */
  readonly items: readonly T[];
  /** Its number, from 1. */
  readonly number: number;
  /** Items on all pages, as the server counts them; null where it does not tell. */
  readonly total: number | null;
  /** The data of the answer, as the server sent it. */
  readonly raw: unknown;
}

/** @internal Where a page is: lists are asked for by one or the other. */
export interface Place {
  readonly number: number;
  readonly offset: number;
}

/** @internal Where a list comes from. */
export interface ListSource<T> {
  read(place: Place): Promise<Page<T>>;
  /** What tells an item from all others; undefined where nothing does. */
  idOf(item: T): unknown;
  /** Items on a full page. */
  pageSize: number;
  /** Whether a page may begin anywhere. */
  isOffset: boolean;
  signal: AbortSignal | undefined;
}

/** Where a list changes all the time, looking back ends at some point: after so many looks for each one onwards. */
const MOST_LOOKS_BACK = 3;
/** A server that knows no pages gives the same one again; a list that grows by just a page does so once. */
const MOST_REPEATS = 2;
/** Pages in a row that may be empty where the server says that there is more. */
const MOST_EMPTY = 1000;

/** Positions `from` up to `to`, exclusively. */
type Range = readonly [from: number, to: number];

/** @internal Where to read next, and when there is nothing more. */
export class Paging<T> {
  readonly #source: ListSource<T>;
  /** Whether to look again at what may have moved to where it was read already. */
  readonly #looksBack: boolean;
  #read: Range[] = [];
  #furthest = 0;
  /** Items that may leave the list before the next answer, as they did before the latest one. */
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

  /** The page that has the first item which was not read. */
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

  /** Takes in the page of a place. */
  took({ items, total, raw }: Page<T>, place: Place): void {
    const { idOf, isOffset } = this.#source;
    const said = Object(raw) as Readonly<Record<string, unknown>>;
    if (this.#latest === undefined) this.#size = this.#sizeOf(items.length, total, said);
    const ids = items.map(idOf);
    // Nothing is read twice that could not be told from what was given.
    const isTold = ids.every((id) => id !== undefined);
    const change = (total ?? 0) - (this.#latest?.total ?? total ?? 0);
    if (this.#looksBack && isTold) this.#moved(change);
    const { offset } = place;
    const to = offset + (isOffset ? items.length : Math.max(items.length, this.#size));
    const isOnwards = to > this.#furthest;
    if (isOnwards) this.#onwards += 1;
    else this.#back += 1;
    this.#furthest = Math.max(this.#furthest, to);
    this.#read = joined([...this.#read, [offset, to]]);
    this.#end = this.#endOf(items.length, total, said, offset);
    const text = bigJson(isTold ? ids : items);
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

  /** Takes note that there are more or fewer items than before. What is new comes first in the lists of this API. */
  #moved(change: number): void {
    this.#slack = Math.max(0, -change);
    // What is left of what was read begins where it did, and may end so much sooner.
    const shrunk = this.#read.map(([from, to]): Range => [from, to - this.#slack]);
    if (change < 0) this.#read = shrunk.filter(([from, to]) => from < to);
    // Behind a gap something unread may now be where something was read.
    if (change > 0) this.#read = [[0, this.#gap()]];
    if (this.#back >= MOST_LOOKS_BACK * this.#onwards) {
      this.#read = [[0, this.#furthest]];
      this.#slack = 0;
    }
  }

  /** A server may give less at a time than it was asked for. */
  #sizeOf(length: number, total: number | null, said: Readonly<Record<string, unknown>>): number {
    const sizes = [said["page_size"], said["per_page"], said["limit"]];
    const echoed = sizes.find((size) => Number.isInteger(size) && (size as number) > 0);
    if (echoed !== undefined) return echoed as number;
    const isMore = said["has_more"] === true || length < (total ?? 0);
    return isMore && length > 0 ? Math.min(length, this.#size) : this.#size;
  }

  /** Where the list ends, as a page shows it. */
  #endOf(
    length: number,
    total: number | null,
    said: Readonly<Record<string, unknown>>,
    offset: number,
  ): number {
    const hasMore = said["has_more"];
    // A page may be empty before the end: a proxy leaves out what is not for its readers.
    if (typeof hasMore === "boolean") return hasMore ? Number.POSITIVE_INFINITY : offset + length;
    if (length === 0) return offset;
    if (total !== null) return total;
    // A page that is larger than asked for comes from a server that knows no pages.
    return length === this.#size ? Number.POSITIVE_INFINITY : offset + length;
  }
}

/** Ranges in order, with those that touch made one: what leaves a list from within them is missing at their common end. */
function joined(ranges: readonly Range[]): Range[] {
  const found: Range[] = [];
  for (const [from, to] of [...ranges].sort(([one], [other]) => one - other)) {
    const last = found.at(-1);
    if (last && from <= last[1]) found[found.length - 1] = [last[0], Math.max(last[1], to)];
    else found.push([from, to]);
  }
  return found;
}

/** @internal A count that a server gives; null where it is none. */
export const countOf = (total: unknown): number | null =>
  Number.isInteger(total) && (total as number) >= 0 ? (total as number) : null;
