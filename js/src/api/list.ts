/** Lists that come in pages: read item by item, or page by page. */

import type { Client } from "../client.js";
import { errorOf } from "../errors.js";
import { type CallOptions, checkOptions, invalid } from "../options.js";
import { RunStatus, type RunState, type StatusData } from "../run.js";

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

/** What every list takes. */
export interface ListOptions extends CallOptions {
  /** Items on a page; the server's own default where nothing is said. */
  pageSize?: number | undefined;
}

/** @internal Where a list comes from. */
export interface ListSource<T> {
  /** Reads one page; `size` is the number of items asked for, where one was. */
  read(number: number): Promise<Page<T>>;
  /** What tells an item from all others; undefined where nothing does. */
  idOf(item: T): unknown;
  /** Items on a full page. */
  pageSize: number;
  signal: AbortSignal | undefined;
}

/**
 * A list that comes in pages. Nothing is asked of the server before an item or a page is wanted, and never more than that.
 *
 * Read item by item it gives each one once, and none is lost, also when the list grows or shrinks meanwhile. Pages are given
 * as the server has them.
 *
 * @example
 * ```js
 * import { Driver } from "highway-wasm";
 * import { LocalEngine } from "highway-wasm/engine";
 *
 * const engine = new LocalEngine({ tools: { "notes.add": () => "noted" } });
 * const driver = new Driver({ engine, name: "notes" });
 * driver.tool("note", "notes.add");
 * await driver.run();
 * await driver.run();
 * for await (const run of driver.list({ status: "completed" })) console.log(run.workflowName, run.state);
 * const { items, total } = await driver.list({ pageSize: 1 }).page(2);
 * console.log(items.length, total); // 1 2
 * await engine.close();
 * ```
 */
export class List<T> implements AsyncIterable<T> {
  readonly #source: ListSource<T>;

  /** @internal */
  constructor(source: ListSource<T>) {
    this.#source = source;
  }

  /** One page, by its number from 1. */
  async page(number = 1): Promise<Page<T>> {
    if (!(Number.isInteger(number) && number > 0)) {
      throw invalid("`number` is not a whole number above 0", "/number");
    }
    return await this.#source.read(number);
  }

  /** The pages, one after the other, as the server has them. */
  async *pages(): AsyncGenerator<Page<T>, void, undefined> {
    let page: Page<T> | undefined;
    do {
      page = await this.page((page?.number ?? 0) + 1);
      yield page;
    } while (!this.#isLast(page));
  }

  /** The items, each once. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    const seen = new Set<unknown>();
    let before: Page<T> | undefined;
    let number = 1;
    for (;;) {
      const page = await this.page(number);
      for (const item of page.items) {
        this.#checkSignal();
        const id = this.#source.idOf(item);
        if (id !== undefined && seen.has(id)) continue;
        if (id !== undefined) seen.add(id);
        yield item;
      }
      const change = (page.total ?? 0) - (before?.total ?? page.total ?? 0);
      // Where a server does not know pages, it would go on for ever.
      if (before && change <= 0 && before.number !== number && this.#isSame(page, before)) return;
      // What was behind this page may be on it by now.
      if (change < 0 && number > 1) number -= 1;
      else if (this.#isLast(page)) return;
      else number += 1;
      before = page;
    }
  }

  /** All items, or the first ones, as an array. */
  async toArray(options: { limit?: number | undefined } = {}): Promise<T[]> {
    checkOptions(options, ["limit"], "toArray");
    const { limit = Number.POSITIVE_INFINITY } = options;
    const items: T[] = [];
    if (limit <= 0) return items;
    for await (const item of this) {
      items.push(item);
      if (items.length >= limit) break;
    }
    return items;
  }

  #isLast({ items, number, total, raw }: Page<T>): boolean {
    const said = Object(raw) as Readonly<Record<string, unknown>>;
    const more = said["has_more"];
    if (typeof more === "boolean") return !more;
    if (items.length === 0) return true;
    // A server may give less at a time than it was asked for.
    const sizes = [said["page_size"], said["per_page"], said["limit"]];
    const size = sizes.find((size) => typeof size === "number" && size > 0) ?? this.#source.pageSize;
    return total === null ? items.length < (size as number) : number * (size as number) >= total;
  }

  #isSame(page: Page<T>, other: Page<T>): boolean {
    const ids = ({ items }: Page<T>): string => JSON.stringify(items.map((item) => this.#source.idOf(item)));
    return page.items.length > 0 && ids(page) === ids(other);
  }

  #checkSignal(): void {
    const { signal } = this.#source;
    if (signal?.aborted)
      throw errorOf("ABORTED", "the operation was aborted", { cause: signal.reason as unknown });
  }
}

/** Which runs a list shows. */
export interface ListRunsOptions extends ListOptions {
  /** Only runs in this state. */
  status?: RunState | undefined;
  /** Only runs of the last days. The server then gives all of them as one page. */
  days?: number | undefined;
  /** Up to 100; 20 by default. */
  pageSize?: number | undefined;
}

/** @internal Runs, newest first. */
export function runList(client: Client, options: ListRunsOptions = {}): List<RunStatus> {
  checkOptions(options, ["status", "days", "pageSize", "signal", "timeout"], "list");
  const { status, days, pageSize, signal, timeout } = options;
  checkPageSize(pageSize);
  return new List<RunStatus>({
    pageSize: days === undefined ? (pageSize ?? 20) : Number.POSITIVE_INFINITY,
    signal,
    idOf: ({ runId }) => runId || undefined,
    async read(page) {
      const args = { status, days, pageSize, page };
      const { runs, total, raw } = await client.call<{
        runs: StatusData[];
        total: number | null;
        raw: unknown;
      }>("list", args, { signal, timeout });
      return { items: runs.map((data) => new RunStatus(data)), number: page, total, raw };
    },
  });
}

/** @internal Refuses a page size that is none. */
export function checkPageSize(pageSize: number | undefined): void {
  if (pageSize !== undefined && !(Number.isInteger(pageSize) && pageSize > 0)) {
    throw invalid("`pageSize` is not a whole number above 0", "/pageSize");
  }
}
