/** Turns a caller's value into plain JSON data, or refuses it with the path to the wrong part. */

import { errorOf } from "./errors.js";
import { bigJson, isRounded, parseJson } from "./json.js";
import { childPath } from "./pointer.js";
import { atOnce, MANY, type Steps } from "./steps.js";
import { templateOf } from "./task-ref.js";

/** Levels of nesting that are allowed, well below the core's own limit of 128. */
const DEPTH = 100;
/** The weight from which a part is listed in `weights`. */
const LARGE = 1 << 5;

/** Any JSON value. Integers that a double cannot hold are `bigint`. */
export type Json = null | boolean | number | bigint | string | Json[] | { [key: string]: Json };

/**
 * The plain form of a value. Dates become ISO text, objects with `toJSON` (`Temporal`, `URL`) what that returns,
 * references to task results their template text. Properties that are `undefined` are omitted. A `bigint` is an
 * integer.
 *
 * @throws {ValidationError} `VALUE_NOT_JSON`, with the path, for a value that JSON cannot hold.
 */
export function plain(value: unknown, path = ""): Json {
  return parseJson(plainText(value, path)) as Json;
}

/** The JSON text of a value's plain form. */
export const plainText = (value: unknown, path = ""): string => written(value, path, false);

/** The JSON text of a value's plain form, as Highway's builder writes it: large integers keep all their digits. */
export const documentText = (value: unknown): string => written(value, "", true);

function written(value: unknown, path: string, digits: boolean): string {
  valuesLeft = FEW;
  if (isSimple(value)) {
    const text = JSON.stringify(value) ?? "null";
    if (!text.includes("\\ud")) return text;
  }
  // `Walk` has refused everything that JSON would change, so the runtime's own printer is safe.
  const walk = new Walk(path);
  atOnce(walk.check(value));
  const text = walk.hasBig ? bigJson(value, undefined, digits) : (JSON.stringify(value) ?? "null");
  atOnce(checkText(text, value, path));
  return text;
}

/** Values that `isSimple` looks at before it leaves the rest to `Walk`: so few that they cannot be nested too deeply. */
const FEW = DEPTH;
let valuesLeft = 0;

/**
 * Whether a value is small and certainly plain: lists, plain objects, strings, and numbers that a double holds. Most
 * values are, and this check takes a fraction of the time of a `Walk`.
 */
function isSimple(value: unknown): boolean {
  valuesLeft -= 1;
  if (typeof value === "string" || typeof value === "boolean" || value === undefined || value === null)
    return true;
  // Also `false` for NaN.
  if (typeof value === "number") return Math.abs(value) <= Number.MAX_SAFE_INTEGER;
  if (typeof value !== "object" || valuesLeft < 0) return false;
  if (Array.isArray(value)) return value.every(isSimple);
  const isPlain = Object.getPrototypeOf(value) === Object.prototype;
  // A reference to a result has the prototype of a plain object, but a `toJSON` of its own.
  if (!isPlain || typeof (value as { toJSON?: unknown }).toJSON === "function") return false;
  for (const name of Object.keys(value)) {
    if (!isSimple((value as Record<string, unknown>)[name])) return false;
  }
  return true;
}

/**
 * @internal Checks that no string has an unpaired surrogate, which is no character and would be printed as an escape.
 */
export function* checkText(text: string, value: unknown, path: string): Steps<void> {
  if (text.includes("\\ud")) yield* new Walk(path, { readsText: true }).check(value);
}

/** @internal Whether a value is an object with fields, neither a list nor `null`. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** @internal The text with a replacement character for each unpaired surrogate. */
export const wellFormed = (text: string): string => text.replace(/\p{Cs}/gu, "\ufffd");

/** A list or an object that the walk is in, and how far it has come. */
interface Place {
  readonly value: object;
  /** Its items or fields, or the value of its `toJSON` as the only item. */
  readonly inside: Readonly<Record<string | number, unknown>>;
  /** The names of the fields; `undefined` for a list. */
  readonly names: readonly string[] | undefined;
  readonly length: number;
  /** The weight of everything that the walk saw before it. */
  readonly before: number;
  at: number;
}

/** What a walk checks besides. */
interface Wanted {
  /** Whether to look for unpaired surrogates in strings. */
  readonly readsText?: boolean;
  /** The most items and fields that are visited. `tooMany` creates the error for one more. */
  readonly most?: number;
  readonly tooMany?: () => Error;
}

/** @internal One walk through a value. The positions become a path only if something is wrong. */
export class Walk {
  /** Whether the value has a `bigint`, or a number that is as large as one. */
  hasBig = false;
  /** The weight of each large part: 1 for each item or field, and for each 32 characters of text. */
  readonly weights = new Map<unknown, number>();
  readonly #base: string;
  readonly #wanted: Wanted;
  readonly #way: Place[] = [];
  #count = 0;
  #weight = 0;

  constructor(base: string, wanted: Wanted = {}) {
    this.#base = base;
    this.#wanted = wanted;
  }

  *check(value: unknown): Steps<void> {
    this.#check(value);
    let look = MANY;
    for (let place = this.#way.at(-1); place; place = this.#way.at(-1)) {
      if (place.at < place.length) this.#next(place);
      else this.#leave(place);
      if (this.#count < look) continue;
      look += MANY;
      yield;
    }
  }

  #next(place: Place): void {
    const { inside, names, at } = place;
    place.at += 1;
    this.#count += 1;
    this.#weight += 1;
    const { most = Number.POSITIVE_INFINITY, tooMany } = this.#wanted;
    if (this.#count > most) throw tooMany?.();
    const name = names?.[at];
    if (name !== undefined) this.#check(name);
    this.#check(inside[name ?? at]);
  }

  #leave({ value, before }: Place): void {
    this.#way.pop();
    const weight = this.#weight - before;
    if (weight >= LARGE) this.weights.set(value, weight);
  }

  #check(value: unknown): void {
    switch (typeof value) {
      case "string":
        this.#weight += value.length >> 5;
        if (this.#wanted.readsText && /\p{Cs}/u.test(value)) throw this.#notJson("half of a surrogate pair");
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
      this.#check(template);
      return;
    }
    if (this.#way.some((place) => place.value === value))
      throw this.#notJson("an object that contains itself");
    if (this.#way.length >= DEPTH) {
      throw notJson(`more than ${DEPTH} levels of nesting`, "");
    }
    const before = this.#weight;
    const inside = value as Place["inside"];
    if (Array.isArray(value)) {
      this.#way.push({ value, inside, names: undefined, length: value.length, before, at: 0 });
      return;
    }
    const { toJSON } = value as { toJSON?: unknown };
    if (typeof toJSON === "function") {
      if (value instanceof Date && Number.isNaN(value.getTime())) throw this.#notJson("an invalid date");
      this.#way.push({ value, inside: { 0: toJSON.call(value) }, names: [], length: 1, before, at: 0 });
      return;
    }
    const name = emptied(value);
    if (name !== undefined) throw this.#notJson(`a ${name}`);
    const names = Object.keys(value);
    this.#way.push({ value, inside, names, length: names.length, before, at: 0 });
  }

  #notJson(what: string): Error {
    const keys = this.#way.map(({ names, at }) => (names ? names[at - 1] : at - 1));
    return notJson(
      what,
      wellFormed(keys.filter((key) => key !== undefined).reduce<string>(childPath, this.#base)),
    );
  }
}

/** The class of an object that JSON would print as an empty object although it has content. */
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
