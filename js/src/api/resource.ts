/** What all parts of the API client share. */

import type { Client } from "../client.js";
import { errorOf, isHighwayError } from "../errors.js";
import { type CallOptions, checkOptions } from "../options.js";
import { checkPageSize, List, type ListOptions } from "./list.js";
import type { ApiObject } from "./types.js";

/** @internal What goes into a path, in the place of the names in its braces. */
export type Params = Readonly<Record<string, string | number>>;

/** @internal A list in pages. */
export interface ListSpec {
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
}

const CALL = ["signal", "timeout"];

/** @internal Option names are camelCase, those of the API snake_case. */
const snake = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** @internal The options of a call that belong into its query or body, by the API's names for them. */
export function fields(options: object, names: readonly string[], more: readonly string[] = CALL): ApiObject {
  checkOptions(options, [...names, ...more], "the call");
  const given = options as ApiObject;
  return Object.fromEntries(names.map((name) => [snake(name), given[name]]));
}

/** A part of the API. */
export class Resource {
  /** @internal */
  protected readonly client: Client;

  /** @internal */
  constructor(client: Client) {
    this.client = client;
  }

  /** @internal Reads; `names` are the options that go into the query. */
  protected read<T>(
    path: string,
    params: Params,
    options: CallOptions = {},
    names: readonly string[] = [],
    more: object = {},
  ): Promise<T> {
    const query = fields(options, names);
    return this.#request({ path, params, query, ...more }, options);
  }

  /** @internal Does something. */
  protected write<T>(
    method: "POST" | "PATCH" | "PUT" | "DELETE",
    path: string,
    params: Params,
    body: object | undefined,
    options: CallOptions = {},
    more: object = {},
  ): Promise<T> {
    checkOptions(options, CALL, "the call");
    const isEmpty = Object.values(body ?? {}).every((value) => value === undefined);
    return this.#request({ method, path, params, ...(isEmpty ? {} : { body }), ...more }, options);
  }

  /** @internal A list in pages. */
  protected readPages<T extends ApiObject>(options: ListOptions, spec: ListSpec): List<T> {
    const { path, params = {}, names = [], ids, isMissingEmpty = false } = spec;
    const [number, size, count] = spec.style;
    const { pageSize, signal, timeout } = options;
    const query = fields(options, names, [...CALL, "pageSize"]);
    checkPageSize(pageSize);
    const step = pageSize ?? count;
    const read = async (at: number): Promise<unknown> => {
      const place = number === "page" ? at : (at - 1) * step;
      const args = { path, params, query: { ...query, [number]: place, [size]: pageSize } };
      try {
        return await this.#request(args, { signal, timeout });
      } catch (error) {
        if (isMissingEmpty && isHighwayError(error, "API_NOT_FOUND")) return [];
        throw error;
      }
    };
    return new List<T>({
      pageSize: step,
      signal,
      idOf: (item) => ids.map((id) => item[id]).find((id) => id !== undefined && id !== null),
      async read(at) {
        const raw = await read(at);
        const total = (raw as { total?: unknown } | null)?.total;
        const found = itemsOf<T>(raw, spec.items);
        return { items: found, number: at, total: typeof total === "number" ? total : null, raw };
      },
    });
  }

  /** @internal A list that comes as a whole. */
  protected async readAll<T>(
    path: string,
    params: Params,
    options: CallOptions,
    names: readonly string[],
    items: readonly string[],
  ): Promise<T[]> {
    return itemsOf<T>(await this.read(path, params, options, names), items);
  }

  #request<T>(args: object, { signal, timeout }: CallOptions): Promise<T> {
    return this.client.call<T>("request", args, { signal, timeout });
  }
}

/** The items in an answer: under one of the names, the answer itself, or the one list that is in it. */
function itemsOf<T>(data: unknown, names: readonly string[]): T[] {
  if (Array.isArray(data)) return data as T[];
  const object = Object(data) as ApiObject;
  const lists = Object.values(object).filter(Array.isArray);
  const found =
    names.map((name) => object[name]).find(Array.isArray) ?? (lists.length === 1 ? lists[0] : undefined);
  if (found !== undefined) return found as T[];
  throw errorOf("API_RESPONSE_INVALID", "the server sent something else where a list was expected", {
    details: { body: JSON.stringify(data ?? null).slice(0, 200) },
  });
}
