// Large values are read and written in pieces with turns of the event loop in between, and the outcome is the same as
// at once.
import assert from "node:assert/strict";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { inRoot } from "../../../scripts/lib/paths.mjs";

const load = (...path) => import(pathToFileURL(inRoot("dist", "esm", ...path)).href);
const { textOf } = await load("engine", "tools", "http-answer.js");
const { base64Of, bytesOfBase64 } = await load("shared", "base64.js");
const { textInSteps } = await load("engine", "host", "result-text.js");
const { inTurns } = await load("shared", "turns.js");
const { bigJson, parseJson, readJson } = await load("shared", "json.js");
const { atOnce, PIECE } = await load("shared", "steps.js");

const never = () => new Error("too many");
const written = (value) => atOnce(textInSteps(value, Number.POSITIVE_INFINITY, never));

/** The result of an asynchronous function, and the number of turns meanwhile. */
async function counted(work) {
  let turns = 0;
  let next = setImmediate(function turn() {
    turns += 1;
    next = setImmediate(turn);
  });
  const value = await work();
  clearImmediate(next);
  return { value, turns };
}

test("a text is decoded in pieces, and no character is split", async () => {
  const units = {
    "utf-8": [Buffer.from("aé€😀"), Buffer.from([0xe2, 0x82, 0x41]), Buffer.from([0xf0, 0x9f, 0x98])],
    "utf-16le": [Buffer.from("a€😀", "utf16le"), Buffer.from([0x00, 0xd8, 0x41, 0x00])],
    "utf-16be": [Buffer.from("a€😀", "utf16le").swap16(), Buffer.from([0xdc, 0x00])],
    shift_jis: [Buffer.from([0x93, 0xfa, 0x41, 0x96, 0x7b]), Buffer.from([0xff, 0x93])],
    "euc-jp": [Buffer.from([0x8f, 0xb0, 0xa1, 0x41, 0xc6, 0xfc])],
    gb18030: [Buffer.from([0x81, 0x30, 0x84, 0x36, 0x41, 0xc4, 0xe3])],
    "iso-2022-jp": [Buffer.from([0x1b, 0x24, 0x42, 0x46, 0x7c, 0x1b, 0x28, 0x42, 0x41])],
  };
  for (const [charset, all] of Object.entries(units)) {
    for (const unit of all) {
      // Puts the border of the pieces at each position of the unit.
      for (let before = 0; before < unit.length; before += 1) {
        const bytes = Buffer.concat([
          Buffer.alloc(before, 0x61),
          Buffer.alloc(unit.length * Math.ceil((PIECE + 1000) / unit.length), unit),
        ]);
        const response = new Response("", { headers: { "content-type": `text/plain; charset=${charset}` } });
        const text = await textOf({ response, bytes });
        const whole = new TextDecoder(charset).decode(bytes);
        assert.ok(text === whole, `${charset} ${unit.toString("hex")} ${before}`);
      }
    }
  }
});

test("a byte order mark is removed only at the beginning, and names the encoding", async () => {
  const far = "a".repeat(PIECE - 3);
  const response = new Response("", { headers: { "content-type": "text/plain; charset=shift_jis" } });
  for (const [bytes, text] of [
    [Buffer.from(`\ufeff${far}\ufeffb`), `${far}\ufeffb`],
    [Buffer.from(`\ufeff${far}\ufeffb`, "utf16le"), `${far}\ufeffb`],
    [Buffer.from(`\ufeff${far}\ufeffb`, "utf16le").swap16(), `${far}\ufeffb`],
  ]) {
    assert.ok((await textOf({ response, bytes })) === text);
  }
});

test("`windows-1252` and unknown encodings are read in pieces, too", async () => {
  const of = (charset) => new Response("", { headers: { "content-type": `text/plain; charset=${charset}` } });
  const bytes = Buffer.alloc(PIECE + 2, Buffer.from([0x80, 0xe9, 0x41]));
  const text = await textOf({ response: of("windows-1252"), bytes });
  assert.ok(text === "€éA".repeat(PIECE).slice(0, bytes.length));
  const utf8 = Buffer.alloc(PIECE * 2, Buffer.from("a€"));
  const whole = utf8.subarray(0, utf8.length - (utf8.length % 4));
  assert.ok((await textOf({ response: of("nobody"), bytes: whole })) === whole.toString());
  const broken = Buffer.concat([whole, Buffer.from([0xff])]);
  await assert.rejects(textOf({ response: of("nobody"), bytes: broken }), { code: "ANSWER_UNREADABLE" });
});

test("base64 text is standard", () => {
  for (const length of [0, 1, 2, 3, 4, 5, 255, (3 << 16) - 1, 3 << 16, (3 << 16) + 1, (6 << 16) + 2]) {
    const bytes = Buffer.from(Array.from({ length }, (_, at) => (at * 7919) >> 3));
    assert.ok(base64Of(bytes) === bytes.toString("base64"), `${length} bytes`);
    assert.ok(bytes.equals(bytesOfBase64(base64Of(bytes))));
  }
});

test("a large integer is found wherever a piece ends", () => {
  const BIG = 12345678901234567890n;
  for (let before = PIECE - 24; before < PIECE + 4; before += 1) {
    const far = "a".repeat(before - 4);
    assert.deepEqual(parseJson(`["${far}",${BIG}, -${BIG}]`), [far, BIG, -BIG]);
    const escaped = parseJson(`["${far}\\"${BIG}",${BIG}]`);
    assert.ok(escaped[0] === `${far}"${BIG}` && escaped[1] === BIG, `${before}`);
  }
  for (let digits = 14; digits < 20; digits += 1) {
    for (let before = 0; before < 17; before += 1) {
      const number = "9".repeat(digits);
      const [, got] = parseJson(`["${"x".repeat(before)}",${number}]`);
      assert.equal(got, Number.isSafeInteger(Number(number)) ? Number(number) : BigInt(number));
    }
  }
});

test("a text that resembles a mark stays a text", () => {
  const BIG = 2n ** 70n;
  const value = ["\u0000123", `\u0000${BIG}`, "\\u0000", BIG, { "\u00001": "\u0000" }];
  assert.deepEqual(parseJson(bigJson(value)), value);
});

test("large values are printed as `JSON.stringify` prints them", () => {
  let seed = 7;
  const random = (most) => {
    seed = (seed * 48271) % 2147483647;
    return seed % most;
  };
  const leaves = [0, -1.5, 1e300, null, true, "a", "größe 😀", '\n"\\', "x".repeat(90), undefined];
  const make = (depth) => {
    const kind = depth === 0 ? 2 : random(3);
    if (kind === 0) return Array.from({ length: random(40) }, () => make(depth - 1));
    if (kind === 1) {
      return Object.fromEntries(
        Array.from({ length: random(40) }, (_, at) => [`${at}-${random(9)}`, make(depth - 1)]),
      );
    }
    return leaves[random(leaves.length)];
  };
  for (let round = 0; round < 30; round += 1) {
    const part = make(3);
    const value = { part, same: part, date: new Date(0), list: [part, undefined, "x".repeat(600_000)] };
    // Both print `1e300` in the same way.
    assert.ok(written(value) === JSON.stringify(value), `${round}`);
  }
  const list = Array.from({ length: 60_000 }, (_, at) => (at % 7 === 0 ? 2n ** 64n + BigInt(at) : at));
  assert.deepEqual(parseJson(written({ a: list, b: list })), { a: list, b: list });
  assert.equal(written(undefined), "null");
});

test("`bigint` is indented like everything else", () => {
  const value = {
    a: [1n, 2n ** 64n, []],
    b: {},
    c: { d: undefined, e: new Date(0), f: 2 ** 60 },
    "\n": ["x"],
  };
  const plain = JSON.parse(
    JSON.stringify(value, (_, item) => (typeof item === "bigint" ? `${item}n` : item)),
  );
  for (const indent of [0, 2]) {
    const text = JSON.stringify(plain, undefined, indent).replace(/"(\d+)n"/g, "$1");
    assert.equal(bigJson(value, indent, true), text);
    assert.equal(bigJson(value, indent), text.replace(`${2 ** 60}`, "1.152921504606847e+18"));
  }
});

test("errors in a large value have its path", () => {
  const large = Array.from({ length: 100_000 }, (_, at) => at);
  const at = (value, path) =>
    assert.throws(
      () => written(value),
      (error) => error.code === "VALUE_NOT_JSON" && error.path === path,
    );
  at({ a: [large, { b: Number.NaN }] }, "/a/1/b");
  at({ a: [large, { "x/y": [large, "\ud800"] }] }, "/a/1/x~1y/1");
  at({ a: { toJSON: () => ({ b: [large, () => {}] }) } }, "/a/b/1");
  const circle = { large };
  circle.again = [circle];
  at(circle, "/again/0");
  assert.throws(() => atOnce(textInSteps(large, 99_999, never)), /too many/);
  assert.equal(atOnce(textInSteps(large, 100_000, never)), JSON.stringify(large));
});

test("the event loop takes turns while a large value is decoded, parsed or printed", async () => {
  const bytes = Buffer.alloc(4 * PIECE, "123456789012345678,");
  const response = new Response("");
  const decoded = await counted(() => textOf({ response, bytes }));
  assert.ok(decoded.turns >= 2, `${decoded.turns} turns`);
  const json = `[${decoded.value.slice(0, decoded.value.lastIndexOf(","))}]`;
  const read = await counted(() => inTurns(readJson(json)));
  assert.ok(read.turns >= 2, `${read.turns} turns`);
  const again = await counted(() => inTurns(textInSteps(read.value, 1e9, never)));
  assert.ok(again.turns >= 2, `${again.turns} turns`);
  assert.ok(again.value === json);
});
