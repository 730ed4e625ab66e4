/** What all parts of the API client share. */

import type { Client } from "../client.js";
import { isHighwayError } from "../../shared/errors.js";
import type { CallOptions } from "../options.js";
import { checkOptions } from "../../shared/options.js";
import { checkPageSize, List, type ListOptions } from "./list.js";
import { countOf, type Place } from "./paging.js";
import type { ApiObject } from "./types.js";

/** @internal What goes into a path, in the place of the names in its braces. */
export type Params = Readonly<Record<string, string | number>>;

/** @internal A list in pages. */
export interface ListSpec<T> {
  path: string;
  params?: Params;
  /** The options that go into the query. */
  names?: readonly string[];
  /** What the server may call the list. */
  items: readonly string[];
  /** Fields of an item that tell it from all others; the first one it has counts. */
  ids: readonly string[];
  /** What the server calls the number of a page and its size, and the size when nobody says one. */
  style: readonly [number: "page" | "offset", size: "page_size" | "per_page" | "limit", count: number];
  /** Whether the server answers 404 where there is nothing. */
  isMissingEmpty?: boolean;
  /** An item in the words of this package. */
  each?: (item: T) => T;
}

const CALL = ["signal", "timeout"];

/** @internal What is sent where something is done. */
export interface WriteSpec {
  body?: object;
  /** The options that go into the body. */
  names?: readonly string[];
  repeatable?: boolean;
}

/** @internal Option names are camelCase, those of the API snake_case. */
const snake = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** The options of a call that belong into its query or body, by the API's names for them. */
function fields(options: object, names: readonly string[], more: readonly string[] = CALL): ApiObject {
  checkOptions(options, [...names, ...more], "the call");
  const given = options as ApiObject;
  const set = names.filter((name) => given[name] !== undefined);
  return Object.fromEntries(set.map((name) => [snake(name), given[name]]));
}

/** A part of the API. */
export class Resource {
  // Not a property of its own: it leads to the key, and an object may be shown.
  readonly #client: Client;

  /** @internal */
  constructor(client: Client) {
    this.#client = client;
  }

  /** @internal */
  protected get client(): Client {
    return this.#client;
  }

  /** @internal Reads; `names` are the options that go into the query. */
  protected async read<T>(
    path: string,
    params: Params,
    options: CallOptions = {},
    names: readonly string[] = [],
    more: object = {},
  ): Promise<T> {
    const query = fields(options, names);
    const answer = await this.#request<T>({ path, params, query, ...more }, options);
    // Where nothing else is expected, it is an object.
    return "expects" in more ? answer : this.objectOf(answer);
  }

  /** @internal Does something. */
  protected async write<T>(
    method: "POST" | "PATCH" | "PUT" | "DELETE",
    path: string,
    params: Params,
    options: CallOptions = {},
    { body, names = [], repeatable = false }: WriteSpec = {},
  ): Promise<T> {
    const given = fields(options, names);
    const isEmpty = body === undefined && Object.keys(given).length === 0;
    const what = isEmpty ? {} : { body: { ...body, ...given } };
    return await this.#request<T>({ method, path, params, repeatable, ...what }, options);
  }

  /** @internal An answer that has fields. */
  protected objectOf<T>(answer: T): T {
    if (typeof answer === "object" && answer !== null) return answer;
    throw this.#client.unexpected("the server sent something else where an object was expected", answer);
  }

  /** @internal A list in pages. */
  protected readPages<T extends ApiObject>(options: ListOptions, spec: ListSpec<T>): List<T> {
    const { path, params = {}, names = [], ids, isMissingEmpty = false, each } = spec;
    const [number, size, count] = spec.style;
    const { pageSize, signal, timeout } = options;
    const query = fields(options, names, [...CALL, "pageSize"]);
    checkPageSize(pageSize);
    const read = async (at: Place): Promise<unknown> => {
      const where = number === "page" ? at.number : at.offset;
      const args = { path, params, query: { ...query, [number]: where, [size]: pageSize } };
      try {
        return await this.#request(args, { signal, timeout });
      } catch (error) {
        if (isMissingEmpty && isHighwayError(error, "API_NOT_FOUND")) return [];
        throw error;
      }
    };
    return new List<T>({
      pageSize: pageSize ?? count,
      isOffset: number === "offset",
      signal,
      idOf: (item) => ids.map((id) => Object(item)[id]).find((id) => id !== undefined && id !== null),
      read: async (at) => {
        const raw = await read(at);
        const { total } = Object(raw) as { total?: unknown };
        const items = this.#itemsOf<T>(raw, spec.items);
        return { items: each ? items.map(each) : items, number: at.number, total: countOf(total), raw };
      },
    });
  }

  /** @internal A list that comes as a whole, or in parts from servers that know the cursor, 0 at first, where one is given. */
  protected async readAll<T>(
    path: string,
    params: Params,
    options: CallOptions,
    names: readonly string[],
    items: readonly string[],
    cursor?: number,
  ): Promise<T[]> {
    const query = fields(options, names);
    let found: T[] = [];
    for (let at = cursor; ; ) {
      const args = { path, params, query: { ...query, cursor: at }, expects: "json" };
      const answer = await this.#request<{ next_cursor?: unknown } | null>(args, options);
      found = found.concat(this.#itemsOf<T>(answer, items));
      const next = answer?.next_cursor;
      if (at === undefined || !(typeof next === "number" && next > at)) return found;
      at = next;
    }
  }

  #request<T>(args: object, { signal, timeout }: CallOptions): Promise<T> {
    return this.#client.call<T>("request", args, { signal, timeout });
  }

  /** The items in an answer: under one of the names, the answer itself, or the one list that is in it. */
  #itemsOf<T>(data: unknown, names: readonly string[]): T[] {
    if (Array.isArray(data)) return data as T[];
    const object = Object(data) as ApiObject;
    const lists = Object.values(object).filter(Array.isArray);
    const found =
      names.map((name) => object[name]).find(Array.isArray) ?? (lists.length === 1 ? lists[0] : undefined);
    if (found !== undefined) return found as T[];
    throw this.#client.unexpected("the server sent something else where a list was expected", data);
  }
}
