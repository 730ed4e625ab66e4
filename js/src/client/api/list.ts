/** Paged lists, read item by item or page by page. */

import type { Client } from "../client.js";
import { errorOf } from "../../shared/errors.js";
import type { CallOptions } from "../options.js";
import { checkCount, checkOptions } from "../../shared/options.js";
import { RunStatus, type RunState, type StatusData } from "../run.js";
import { countOf, type ListSource, type Page, Paging } from "./paging.js";

/** Options of every list. */
export interface ListOptions extends CallOptions {
  /** Items per page; default: the server's own. */
  pageSize?: number | undefined;
}

/**
 * A paged list. It requests a page only when you ask for an item or a page of it.
 *
 * Read item by item, it gives each item once and loses none, even if the list grows or shrinks meanwhile. Pages are
 * given as the server has them.
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

  /** One page. Numbers start at 1. */
  async page(number = 1): Promise<Page<T>> {
    checkCount(number, "/number");
    return await this.#source.read({ number, offset: (number - 1) * this.#source.pageSize });
  }

  /** All pages in order, as the server has them. */
  async *pages(): AsyncGenerator<Page<T>, void, undefined> {
    yield* this.#walk(false);
  }

  /** All items, each once. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    const { idOf, signal } = this.#source;
    const seen = new Set<unknown>();
    for await (const { items } of this.#walk(true)) {
      for (const item of items) {
        if (signal?.aborted) {
          throw errorOf("ABORTED", "the operation was aborted", { cause: signal.reason as unknown });
        }
        const id = idOf(item);
        if (id !== undefined && seen.has(id)) continue;
        if (id !== undefined) seen.add(id);
        yield item;
      }
    }
  }

  /** All items as an array, or the first `limit` items. */
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

  async *#walk(looksBack: boolean): AsyncGenerator<Page<T>, void, undefined> {
    const paging = new Paging(this.#source, looksBack);
    do {
      const { place } = paging;
      const page = await this.#source.read(place);
      paging.add(page, place);
      yield page;
    } while (!paging.isOver);
  }
}

/** Options for a list of runs. */
export interface ListRunsOptions extends ListOptions {
  /** Only runs in this state. */
  status?: RunState | undefined;
  /** Only runs of the last days. The server then sends all of them as one page. */
  days?: number | undefined;
  /** Items per page: at most 100; default: 20. */
  pageSize?: number | undefined;
}

/** @internal The runs of a server, newest first. */
export function runList(client: Client, options: ListRunsOptions = {}): List<RunStatus> {
  checkOptions(options, ["status", "days", "pageSize", "signal", "timeout"], "list");
  const { status, days, pageSize, signal, timeout } = options;
  checkPageSize(pageSize);
  return new List<RunStatus>({
    pageSize: days === undefined ? (pageSize ?? 20) : Number.POSITIVE_INFINITY,
    isOffset: false,
    signal,
    idOf: ({ runId }) => runId || undefined,
    async read({ number }) {
      const args = { status, days, pageSize, page: number };
      const { runs, total, raw } = await client.call<{
        runs: StatusData[];
        total: unknown;
        raw: unknown;
      }>("list", args, { signal, timeout });
      return { items: runs.map((data) => new RunStatus(data)), number, total: countOf(total), raw };
    },
  });
}

/** @internal Refuses a page size that is not a positive whole number. */
export function checkPageSize(pageSize: number | undefined): void {
  checkCount(pageSize, "/pageSize");
}
