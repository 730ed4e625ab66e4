/** The base of all parts of the API client. */

import type { Client } from "../client.js";
import { isHighwayError } from "../../shared/errors.js";
import type { CallOptions } from "../options.js";
import { checkOptions } from "../../shared/options.js";
import { checkPageSize, List, type ListOptions } from "./list.js";
import { countOf, type Place } from "./paging.js";
import type { ApiObject } from "./types.js";

/** @internal Values for the names in braces of a path. */
export type Params = Readonly<Record<string, string | number>>;

/** @internal How to read a paged list. */
export interface ListSpec<T> {
  path: string;
  params?: Params;
  /** The options that become query parameters. */
  names?: readonly string[];
  /** The names under which a server may send the list. */
  items: readonly string[];
  /** The fields that may identify an item. The first one that an item has is its id. */
  ids: readonly string[];
  /** The server's parameter for the position, its parameter for the page size, and the default page size. */
  style: readonly [number: "page" | "offset", size: "page_size" | "per_page" | "limit", count: number];
  /** Whether the server answers 404 for an empty list. */
  isMissingEmpty?: boolean;
  /** Turns an item into the words of this package. */
  each?: (item: T) => T;
}

const CALL = ["signal", "timeout"];

/** @internal Additions to a request that changes something. */
export interface WriteSpec {
  body?: object;
  /** The options that become fields of the body. */
  names?: readonly string[];
  repeatable?: boolean;
}

/** @internal The API's name of an option: snake_case instead of camelCase. */
const snake = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** The options that belong to the query or the body, by the API's names. */
function fields(options: object, names: readonly string[], more: readonly string[] = CALL): ApiObject {
  checkOptions(options, [...names, ...more], "the call");
  const given = options as ApiObject;
  const set = names.filter((name) => given[name] !== undefined);
  return Object.fromEntries(set.map((name) => [snake(name), given[name]]));
}

/** One part of the API. */
export class Resource {
  // Private, so that a logged object does not show the client, which has the key.
  readonly #client: Client;

  /** @internal */
  constructor(client: Client) {
    this.#client = client;
  }

  /** @internal */
  protected get client(): Client {
    return this.#client;
  }

  /** @internal Sends a GET request. `names` are the options that become query parameters. */
  protected async read<T>(
    path: string,
    params: Params,
    options: CallOptions = {},
    names: readonly string[] = [],
    more: object = {},
  ): Promise<T> {
    const query = fields(options, names);
    const answer = await this.#request<T>({ path, params, query, ...more }, options);
    // Unless the caller says otherwise, the answer must be an object.
    return "expects" in more ? answer : this.objectOf(answer);
  }

  /** @internal Sends a request that changes something. */
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

  /** @internal The answer, which must be an object. */
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

  /** @internal A whole list. With a `cursor`, 0 at first, servers that know it send the list in parts. */
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

  /** The items of an answer: under one of the names, the answer itself, or the only list in it. */
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
