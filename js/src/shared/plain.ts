/** Turns what a caller passes into plain JSON data, or says where it cannot be. */

import { errorOf } from "./errors.js";
import { bigJson, isRounded, parseJson } from "./json.js";
import { childPath } from "./pointer.js";
import { atOnce, MANY, type Steps } from "./steps.js";
import { templateOf } from "./task-ref.js";

/** Deeper nesting is refused, well before the core's own limit of 128. */
const DEPTH = 100;
/** The weight from which a part is noted. */
const LARGE = 1 << 5;

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

/** JSON text of a value's plain form. */
export const plainText = (value: unknown, path = ""): string => written(value, path, false);

/** The same for what Highway's builder writes, in whose documents large integers have all their digits. */
export const documentText = (value: unknown): string => written(value, "", true);

function written(value: unknown, path: string, digits: boolean): string {
  valuesLeft = FEW;
  if (isSimple(value)) {
    const text = JSON.stringify(value) ?? "null";
    if (!text.includes("\\ud")) return text;
  }
  // What passes the walk means the same to JSON, so the runtime's own printer can write it.
  const walk = new Walk(path);
  atOnce(walk.check(value));
  const text = walk.hasBig ? bigJson(value, undefined, digits) : (JSON.stringify(value) ?? "null");
  atOnce(checkText(text, value, path));
  return text;
}

/** Values that are looked at before the walk is left to find out. */
const FEW = 256;
let valuesLeft = 0;

/**
 * Whether a value is small and certainly plain: lists, objects of no class, texts, numbers that a double holds. Most are, and
 * this takes a fraction of the time of a walk, which finds out about all others.
 */
function isSimple(value: unknown): boolean {
  valuesLeft -= 1;
  if (typeof value === "string" || typeof value === "boolean" || value === undefined || value === null)
    return true;
  // Also false for what is no number.
  if (typeof value === "number") return Math.abs(value) <= Number.MAX_SAFE_INTEGER;
  if (typeof value !== "object" || valuesLeft < 0) return false;
  if (Array.isArray(value)) return value.every(isSimple);
  const isPlain = Object.getPrototypeOf(value) === Object.prototype;
  // References to results have a prototype like any object, but a `toJSON` of their own.
  if (!isPlain || typeof (value as { toJSON?: unknown }).toJSON === "function") return false;
  for (const name of Object.keys(value)) {
    if (!isSimple((value as Record<string, unknown>)[name])) return false;
  }
  return true;
}

/** @internal Checks that a text has no half of a surrogate pair, which is no character and is written as an escape. */
export function* checkText(text: string, value: unknown, path: string): Steps<void> {
  if (text.includes("\\ud")) yield* new Walk(path, { readsText: true }).check(value);
}

/** @internal Whether a value has fields, rather than items or none. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** @internal A text with a replacement character for each half of a surrogate pair. */
export const wellFormed = (text: string): string => text.replace(/\p{Cs}/gu, "\ufffd");

/** What is looked through, and how far. */
interface Place {
  readonly value: object;
  /** Its items or fields, or what its `toJSON` gives. */
  readonly inside: Readonly<Record<string | number, unknown>>;
  /** The names of fields; undefined for items. */
  readonly names: readonly string[] | undefined;
  readonly length: number;
  /** The weight of all that was seen before. */
  readonly before: number;
  at: number;
}

/** What a walk looks for. */
interface Wanted {
  /** Whether texts are looked at. */
  readonly readsText?: boolean;
  /** Items and fields that are looked at, and what is thrown at one more. */
  readonly most?: number;
  readonly tooMany?: () => Error;
}

/** @internal One walk through a value. The way to where it is becomes a path only where something is wrong there. */
export class Walk {
  /** Whether there is a `bigint`, or a number as large as one. */
  hasBig = false;
  /** What large parts weigh: an item or a field as much as 32 characters. */
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
