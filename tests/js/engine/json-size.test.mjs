// The size of the value of a JSON text, before the text is parsed.
import assert from "node:assert/strict";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { inRoot } from "../../../scripts/lib/paths.mjs";

const load = (...path) => import(pathToFileURL(inRoot("dist", "esm", ...path)).href);
const [size, { atOnce }] = [await load("shared", "json-size.js"), await load("shared", "steps.js")];
const isLargeJson = (text, most) => atOnce(size.isLargeJson(text, most));

/** The size as docs/limits.md defines it. */
const sizeOf = (value) => Buffer.byteLength(JSON.stringify(value)) + 32 * countOf(value);
const countOf = (value) =>
  typeof value === "object" && value !== null
    ? Object.values(value).reduce((sum, item) => sum + 1 + countOf(item), 0)
    : 0;

test("a value within the limit is never called large, however it is written", () => {
  const values = [
    1,
    "",
    "a",
    [],
    {},
    [1, 2],
    { a: 1, b: [{}] },
    'a"\\\n\u0001,:[{',
    ["größe", "😀"],
    [[[]]],
    { "": "" },
  ];
  for (const value of values) {
    const texts = [JSON.stringify(value), JSON.stringify(value, null, 9)];
    texts.push(texts[0].replaceAll("a", "\\u0061"), texts[0].replaceAll("/", "\\/"));
    for (const text of texts) assert.equal(isLargeJson(text, sizeOf(value) + 32), false, text);
  }
});

test("a value with too many values and long names is called large", () => {
  const keys = Object.fromEntries(Array.from({ length: 1_000 }, (_, at) => [`k${at}`, 1]));
  for (const value of [
    keys,
    Array(1_000).fill(1),
    Array(1_000).fill({}),
    "x".repeat(10_000),
    Array(100).fill("x".repeat(100)),
  ]) {
    assert.equal(isLargeJson(JSON.stringify(value), sizeOf(value) * 0.95), true);
  }
});
