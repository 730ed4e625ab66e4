/** Turns what a caller passes into plain JSON data, or says where it cannot be. */

import { errorOf } from "./errors.js";
import { templateOf } from "./task-ref.js";

/** Deeper nesting is refused, well before the core's own limit of 128. */
const DEPTH = 100;

/** Any JSON value. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/**
 * The plain form of a value: dates become ISO text, objects with `toJSON` what that gives (`Temporal`, `URL`), results of
 * tasks their template text; undefined properties are left out.
 *
 * @throws {ValidationError} `VALUE_NOT_JSON`, with the path, for what JSON cannot carry.
 */
export function plain(value: unknown, path = ""): Json {
  return walk(value, path, []);
}

/** JSON text of a value's plain form. */
export function plainText(value: unknown, path = ""): string {
  return JSON.stringify(plain(value, path));
}

function walk(value: unknown, path: string, parents: readonly object[]): Json {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      if (!Number.isFinite(value)) throw notJson(`\`${value}\``, path);
      return value;
    case "undefined":
      return null;
    case "object":
      return value === null ? null : walkObject(value, path, parents);
    case "function": {
      const template = templateOf(value);
      if (template !== undefined) return template;
      throw notJson("a function", path);
    }
    default:
      throw notJson(`a ${typeof value}`, path);
  }
}

function walkObject(value: object, path: string, parents: readonly object[]): Json {
  const template = templateOf(value);
  if (template !== undefined) return template;
  if (parents.includes(value)) throw notJson("an object that contains itself", path);
  if (parents.length >= DEPTH) throw notJson(`more than ${DEPTH} levels of nesting`, "");
  const inside = [...parents, value];
  if (Array.isArray(value)) return value.map((item, index) => walk(item, `${path}/${index}`, inside));
  if (value instanceof Date && Number.isNaN(value.getTime())) throw notJson("an invalid date", path);
  const { toJSON } = value as { toJSON?: unknown };
  if (typeof toJSON === "function") return walk(toJSON.call(value), path, inside);
  const name = emptied(value);
  if (name !== undefined) throw notJson(`a ${name}`, path);
  const out: { [key: string]: Json } = {};
  for (const [key, item] of Object.entries(value)) {
    if (item === undefined) continue;
    const plainItem = walk(item, `${path}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`, inside);
    // `__proto__` as a key of data is a key, not a prototype.
    Object.defineProperty(out, key, {
      value: plainItem,
      enumerable: true,
      writable: true,
      configurable: true,
    });
  }
  return out;
}

/** The class of an object that JSON would make an empty one, though it holds something. */
function emptied(value: object): string | undefined {
  const prototype = Object.getPrototypeOf(value) as { constructor?: { name?: string } } | null;
  const name = prototype?.constructor?.name ?? "Object";
  if (ArrayBuffer.isView(value)) return name;
  return name !== "Object" && Object.keys(value).length === 0 ? name : undefined;
}

function notJson(what: string, path: string): Error {
  return errorOf("VALUE_NOT_JSON", `${what} cannot be part of a workflow`, {
    path,
    help: "pass plain data: text, finite numbers, booleans, null, lists and objects",
  });
}
