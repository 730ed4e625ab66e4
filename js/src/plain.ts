/** Turns what a caller passes into plain JSON data, or says where it cannot be. */

import { errorOf } from "./errors.js";
import { bigJson, isRounded, parseJson } from "./json.js";
import { childPath } from "./pointer.js";
import { templateOf } from "./task-ref.js";

/** Deeper nesting is refused, well before the core's own limit of 128. */
const DEPTH = 100;

/** Any JSON value; integers that a double cannot hold are `bigint`. */
export type Json = null | boolean | number | bigint | string | Json[] | { [key: string]: Json };

/**
 * The plain form of a value: dates become ISO text, objects with `toJSON` what that gives (`Temporal`, `URL`), results of
 * tasks their template text; undefined properties are left out. A `bigint` is an integer like any other.
 *
 * @throws {ValidationError} `VALUE_NOT_JSON`, with the path, for what JSON cannot carry.
 */
export function plain(value: unknown, path = ""): Json {
  return parseJson(plainText(value, path)) as Json;
}

/**
 * JSON text of a value's plain form.
 *
 * @param most Items and fields that are looked at; of one with more, `tooMany` says what is thrown.
 */
export function plainText(value: unknown, path = "", most?: number, tooMany?: () => Error): string {
  return written(value, path, false, most, tooMany);
}

/** The same for what Highway's builder writes, in whose documents large integers have all their digits. */
export const documentText = (value: unknown, path = ""): string => written(value, path, true);

function written(
  value: unknown,
  path: string,
  digits: boolean,
  most?: number,
  tooMany?: () => Error,
): string {
  // What passes the walk means the same to JSON, so the runtime's own printer can write it.
  const walk = new Walk(path, false, most, tooMany);
  walk.check(value);
  const text = walk.hasBig ? bigJson(value, undefined, digits) : (JSON.stringify(value) ?? "null");
  // Half of a surrogate pair, which is no character, is written as an escape.
  if (text.includes("\\ud")) new Walk(path, true).check(value);
  return text;
}

/** @internal Whether a value has fields, rather than items or none. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** @internal A text with a replacement character for each half of a surrogate pair. */
export const wellFormed = (text: string): string => text.replace(/\p{Cs}/gu, "\ufffd");

/** One walk through a value. The way to where it is becomes a path only where something is wrong there. */
class Walk {
  /** Whether there is a `bigint`, or a number as large as one. */
  hasBig = false;
  readonly #base: string;
  readonly #readsText: boolean;
  readonly #parents: object[] = [];
  readonly #keys: (string | number)[] = [];
  readonly #tooMany: (() => Error) | undefined;
  #left: number;

  constructor(base: string, readsText: boolean, most = Number.POSITIVE_INFINITY, tooMany?: () => Error) {
    this.#base = base;
    this.#readsText = readsText;
    this.#left = most;
    this.#tooMany = tooMany;
  }

  check(value: unknown): void {
    switch (typeof value) {
      case "string":
        if (this.#readsText && /\p{Cs}/u.test(value)) throw this.#notJson("half of a surrogate pair");
        return;
      case "boolean":
      case "undefined":
        return;
      case "number":
        if (!Number.isFinite(value)) throw this.#notJson(`\`${value}\``);
        if (isRounded(value)) this.hasBig = true;
        return;
      case "object":
        if (value !== null) this.#object(value);
        return;
      case "bigint":
        this.hasBig = true;
        return;
      case "function":
        throw this.#notJson("a function");
      default:
        throw this.#notJson("a symbol");
    }
  }

  #object(value: object): void {
    const template = templateOf(value);
    if (template !== undefined) {
      this.check(template);
      return;
    }
    if (this.#parents.includes(value)) throw this.#notJson("an object that contains itself");
    if (this.#parents.length >= DEPTH) {
      throw notJson(`more than ${DEPTH} levels of nesting`, "");
    }
    this.#parents.push(value);
    if (Array.isArray(value)) this.#each(value as unknown as Record<number, unknown>, value.keys());
    else this.#inside(value);
    this.#parents.pop();
  }

  #inside(value: object): void {
    const { toJSON } = value as { toJSON?: unknown };
    if (typeof toJSON === "function") {
      if (value instanceof Date && Number.isNaN(value.getTime())) throw this.#notJson("an invalid date");
      this.check(toJSON.call(value));
      return;
    }
    const name = emptied(value);
    if (name !== undefined) throw this.#notJson(`a ${name}`);
    this.#each(value as Record<string, unknown>, Object.keys(value));
  }

  #each(value: Record<string | number, unknown>, keys: Iterable<string | number>): void {
    for (const key of keys) {
      this.#left -= 1;
      if (this.#left < 0) throw this.#tooMany?.();
      this.#keys.push(key);
      this.check(key);
      this.check(value[key]);
      this.#keys.pop();
    }
  }

  #notJson(what: string): Error {
    return notJson(what, wellFormed(this.#keys.reduce<string>(childPath, this.#base)));
  }
}

/** The class of an object that JSON would make an empty one, though it holds something. */
function emptied(value: object): string | undefined {
  const prototype = Object.getPrototypeOf(value) as { constructor?: { name?: string } } | null;
  if (prototype === Object.prototype) return undefined;
  const name = prototype?.constructor?.name ?? "Object";
  if (ArrayBuffer.isView(value)) return name;
  return name !== "Object" && Object.keys(value).length === 0 ? name : undefined;
}

function notJson(what: string, path: string): Error {
  return errorOf("VALUE_NOT_JSON", `${what} cannot be part of a workflow`, {
    path,
    help:
      what === "a function"
        ? "a workflow is data: give Python source as text, or register JavaScript as a tool of the engine"
        : "pass plain data: text, finite numbers, booleans, null, lists and objects",
  });
}
