/** Finds a secret in a text in every spelling (escapes, encodings), and removes it. */

import { atOnce, type Steps } from "./steps.js";

/** Characters that one step reads. Fewer than elsewhere, because each layer of escapes reads them again. */
export const PIECE = 65_536;
/** The most characters, on average, that one character is spelled with. Each piece overlaps the next accordingly. */
const LONGEST_UNIT = 64;
/** Layers of escapes within escapes that are read. */
const DEEPEST = 6;
const LONGEST_ENTITY = 12;
/** HTML's names for the characters from U+0021 that are neither letters nor digits. */
const ENTITIES: ReadonlyMap<string, number> = new Map(
  (
    "excl33 quot34 num35 dollar36 percnt37 amp38 apos39 lpar40 rpar41 ast42 plus43 comma44 hyphen45 period46 sol47 colon58 " +
    "semi59 lt60 equals61 gt62 quest63 commat64 lsqb91 bsol92 rsqb93 hat94 lowbar95 grave96 lcub123 verbar124 rcub125"
  )
    .split(" ")
    .map((entry) => [entry.replace(/\d/g, ""), Number(entry.replace(/\D/g, ""))]),
);
/**
 * The character that a backslash and an ASCII character stand for, by the code of the latter. 0: the two are no such
 * escape.
 */
const ESCAPES = Uint16Array.from({ length: 128 }, (_, code) => {
  const at = "nrtbfv".indexOf(String.fromCharCode(code));
  return at < 0 ? (/[a-z\d]/i.test(String.fromCharCode(code)) ? 0 : code) : "\n\r\t\b\f\v".charCodeAt(at);
});
/** 1 for the ASCII characters that may begin an escape or a fold. */
const SPECIAL = Uint8Array.from({ length: 128 }, (_, code) =>
  Number("\\%&=\r\n".includes(String.fromCharCode(code))),
);
const ESCAPED = /[\\%&\r\n]/;
const QUOTED_PRINTABLE = /=[\da-f]{2}/;
/** A place that may be a list of numbers, with two digits each. */
const NUMBERS = /[\da-f][\da-fx\W_]{15}/;
const [NEW_LINE, RETURN, PERCENT, AMPERSAND, EQUALS, BACKSLASH] = [10, 13, 37, 38, 61, 92];
const UNIT = 0x10000;

/** A part of a text. */
export type Range = readonly [start: number, end: number];

/** What to look for. Texts are compared in lower case. */
export interface Sought {
  /** Its places in a text without escapes. */
  in(text: string): Iterable<Range>;
  /** Its places in a text that consists of letters and digits only, taken from a list of numbers. */
  inNumbers?(text: string): Iterable<Range>;
  /** Characters of its longest form. */
  readonly longest: number;
}

/**
 * A text with escapes resolved, and where each of its characters begins and ends in the original. `undefined` if the
 * positions are equal.
 */
interface Reading {
  readonly text: string;
  readonly starts: Uint32Array | undefined;
  readonly ends: Uint32Array | undefined;
}

/**
 * Finds every spelling of what is sought: escaped for JSON, JavaScript, Python, HTML, URLs or email, in several layers,
 * in any case, across folded lines, as a list of numbers. `tests/fixtures/spellings.json` lists the spellings. The time
 * grows linearly with the text. Returns, for each sought item, parts that do not overlap, in their order.
 */
export function* find(text: string, all: readonly Sought[]): Steps<Range[][]> {
  const found = all.map((): [number, number][] => []);
  let waiting = all.map((): Range[] => []);
  const overlap = Math.max(...all.map(({ longest }) => longest)) * LONGEST_UNIT;
  const piece = Math.max(PIECE, overlap);
  for (let from = 0; from < text.length; from += piece) {
    for (const reading of readings(lowered(text.slice(from, from + piece + overlap)))) {
      for (const [at, sought] of all.entries()) {
        for (const range of placesIn(reading, sought)) {
          const [start, end] = written(range, reading);
          waiting[at]?.push([from + start, from + end]);
        }
      }
    }
    const isLater = ([start]: Range): boolean => start >= from + piece;
    for (const [at, ranges] of waiting.entries()) {
      join(
        found[at] ?? [],
        ranges.filter((range) => !isLater(range)),
        text,
      );
    }
    waiting = waiting.map((ranges) => ranges.filter(isLater));
    yield;
  }
  for (const [at, ranges] of waiting.entries()) join(found[at] ?? [], ranges, text);
  return found;
}

function* placesIn({ text }: Reading, sought: Sought): Iterable<Range> {
  yield* sought.in(text);
  if (sought.inNumbers === undefined || !NUMBERS.test(text)) return;
  const { text: digits, places } = digitsOf(text);
  for (const [first, last] of sought.inNumbers(digits)) {
    let [start, end] = [places[first] as number, (places[last - 1] as number) + 1];
    while (/[\dx]/.test(text[start - 1] ?? "")) start -= 1;
    while (/\d/.test(text[end] ?? "")) end += 1;
    yield [start, end];
  }
}

/** The text in lower case, at the same length: letters whose lower case is longer or shorter stay. */
function lowered(text: string): string {
  const small = text.toLowerCase();
  return small.length === text.length ? small : text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

function written([start, end]: Range, { starts, ends }: Reading): Range {
  return [starts?.[start] ?? start, ends?.[end - 1] ?? end];
}

/** Appends ranges to `all`. Overlapping ranges become one. A range never begins in the middle of an escape. */
function join(all: [number, number][], ranges: Range[], text: string): void {
  for (const [start, end] of ranges.sort((one, other) => one[0] - other[0])) {
    const last = all.at(-1);
    if (last !== undefined && start < last[1]) {
      last[1] = Math.max(last[1], end);
      continue;
    }
    let row = start;
    while (row > start - LONGEST_UNIT && text.charCodeAt(row - 1) === BACKSLASH) row -= 1;
    all.push([start - ((start - row) % 2), end]);
  }
}

/** The text itself, then the text with one layer of escapes removed, then with two, and so on. */
function* readings(text: string): Iterable<Reading> {
  let reading: Reading = { text, starts: undefined, ends: undefined };
  yield reading;
  for (let depth = 0; depth < DEEPEST && ESCAPED.test(reading.text); depth++) {
    const next = unescaped(reading, depth === DEEPEST - 1 ? "rows" : "layer");
    if (next === undefined) break;
    yield next;
    reading = next;
  }
  // Quoted-printable comes last, because in other texts `=` often stands before such digits.
  const last = QUOTED_PRINTABLE.test(reading.text) ? unescaped(reading, "mail") : undefined;
  if (last !== undefined) yield last;
}

/**
 * The text without one layer of escapes and without line folds; `undefined` if it has none. `rows` takes a row of
 * backslashes as one, `mail` also reads quoted-printable.
 */
function unescaped({ text, starts, ends }: Reading, what: "layer" | "rows" | "mail"): Reading | undefined {
  if (forReadings.length < text.length) forReadings = new Room(text.length);
  const { codes } = forReadings;
  const [from, to] = forReadings.nextPlaces();
  let size = 0;
  let at = 0;
  while (at < text.length) {
    let code = text.charCodeAt(at);
    let length = 1;
    const start = at;
    if (code < 128 && SPECIAL[code] === 1) {
      const next = code === BACKSLASH || code === EQUALS ? text.charCodeAt(at + 1) : code;
      if (next === NEW_LINE || next === RETURN) {
        at += foldLength(text, at);
        continue;
      }
      if (what === "rows" && code === BACKSLASH) {
        while (text.charCodeAt(at + 1) === BACKSLASH) at += 1;
      }
      const unit = unitAt(text, at, code, what === "mail");
      length = Math.floor(unit / UNIT);
      code = unit % UNIT;
      if (code >= 65 && code <= 90) code += 32;
    }
    // Only ASCII is sought.
    codes[size] = code < 128 ? code : 0;
    at += length;
    from[size] = starts?.[start] ?? start;
    to[size] = ends?.[at - 1] ?? at;
    size += 1;
  }
  if (size === text.length) return undefined;
  return { text: forReadings.text(size), starts: from, ends: to };
}

/** The letters and digits of a text, without the `0x` of hexadecimal numbers. */
function digitsOf(text: string): { text: string; places: Uint32Array } {
  if (forDigits.length < text.length) forDigits = new Room(text.length);
  const { codes } = forDigits;
  const [places] = forDigits.nextPlaces();
  let size = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 120 && codes[size - 1] === 48) {
      size -= 1;
    } else if ((code >= 48 && code <= 57) || (code >= 97 && code <= 122)) {
      codes[size] = code;
      places[size] = at;
      size += 1;
    }
  }
  return { text: forDigits.text(size), places };
}

/** Memory for the characters and positions of a reading. The positions of a reading are reused for the next but one. */
class Room {
  readonly codes: Uint8Array;
  readonly #places: readonly (readonly [Uint32Array, Uint32Array])[];
  #turn = 0;

  constructor(readonly length: number) {
    this.codes = new Uint8Array(length);
    this.#places = [0, 1].map(() => [new Uint32Array(length), new Uint32Array(length)] as const);
  }

  nextPlaces(): readonly [Uint32Array, Uint32Array] {
    this.#turn = 1 - this.#turn;
    return this.#places[this.#turn] as readonly [Uint32Array, Uint32Array];
  }

  text(size: number): string {
    return decoder.decode(this.codes.subarray(0, size));
  }
}

const decoder = new TextDecoder();
let forReadings = new Room(0);
let forDigits = new Room(0);

/** Length of a line fold, as headers, shells and email write it: the line break, and the blanks behind it. */
function foldLength(text: string, start: number): number {
  const first = text.charCodeAt(start);
  let at = first === EQUALS || first === BACKSLASH ? start + 1 : start;
  let code = text.charCodeAt(at);
  while (code === NEW_LINE || code === RETURN) code = text.charCodeAt(++at);
  while (code === 32 || code === 9) code = text.charCodeAt(++at);
  return at - start;
}

/** The character at a place, plus `UNIT` times the length of its spelling. */
function unitAt(text: string, at: number, code: number, isMail: boolean): number {
  if (code === AMPERSAND) return entityAt(text, at);
  if (code === BACKSLASH) return escapeAt(text, at);
  if (code === PERCENT && text.charCodeAt(at + 1) === 117) return unit(hex(text, at + 2, 4), 6, code);
  if (code === PERCENT || (code === EQUALS && isMail)) return unit(hex(text, at + 1, 2), 3, code);
  return UNIT + code;
}

/** The same number from its two parts. If `code` is below 0, `otherwise` stands for itself, with length 1. */
function unit(code: number, length: number, otherwise: number): number {
  return code < 0 ? UNIT + otherwise : length * UNIT + Math.min(code, UNIT - 1);
}

function escapeAt(text: string, at: number): number {
  const next = text.charCodeAt(at + 1);
  const escaped = ESCAPES[next] ?? 0;
  if (escaped > 0) return 2 * UNIT + escaped;
  if (next === 117) return unicodeAt(text, at);
  if (next === 120) return unit(hex(text, at + 2, 2), 4, BACKSLASH);
  let [number, end] = [0, at + 1];
  for (let digit = next - 48; digit >= 0 && digit < 8 && end < at + 4; digit = text.charCodeAt(end) - 48) {
    number = number * 8 + digit;
    end += 1;
  }
  return unit(end === at + 1 ? -1 : number, end - at, BACKSLASH);
}

function unicodeAt(text: string, at: number): number {
  if (text.charCodeAt(at + 2) === 123) {
    const digits = text.slice(at + 3, at + 10).split("}")[0] as string;
    const end = at + 3 + digits.length;
    return unit(/^[\da-f]{1,6}$/.test(digits) ? Number.parseInt(digits, 16) : -1, end - at + 1, BACKSLASH);
  }
  const code = hex(text, at + 2, 4);
  const long = code === 0 ? hex(text, at + 6, 4) : -1;
  return long > 0 ? unit(long, 10, BACKSLASH) : unit(code, 6, BACKSLASH);
}

function entityAt(text: string, at: number): number {
  const end = text.slice(at + 1, at + 1 + LONGEST_ENTITY).indexOf(";");
  if (end < 0) return UNIT + AMPERSAND;
  const name = text.slice(at + 1, at + 1 + end);
  const [, decimal, digits] = /^#(?:(\d+)|x([\da-f]+))$/.exec(name) ?? [];
  const number = digits === undefined ? Number(decimal ?? -1) : Number.parseInt(digits, 16);
  return unit(ENTITIES.get(name) ?? number, end + 2, AMPERSAND);
}

/** The value of that many hexadecimal digits; -1 if there are fewer. */
function hex(text: string, start: number, digits: number): number {
  let number = 0;
  for (let at = start; at < start + digits; at++) {
    const code = text.charCodeAt(at);
    if (code >= 48 && code <= 57) number = number * 16 + code - 48;
    else if (code >= 97 && code <= 102) number = number * 16 + code - 87;
    else return -1;
  }
  return number;
}

/**
 * The base64 forms of a text, for each position at which it may begin, without the characters that depend on its
 * neighbours. In lower case.
 */
export function base64Of(text: string): string[] {
  return [0, 1, 2].flatMap((before) => {
    const [from, to] = [before, before + text.length].map((bytes) => (bytes * 8) / 6) as [number, number];
    const core = btoa("\0".repeat(before) + text)
      .slice(Math.ceil(from), Math.floor(to))
      .toLowerCase();
    return [core, core.replaceAll("+", "-").replaceAll("/", "_")];
  });
}

/** The bytes of an ASCII text as hexadecimal digits. */
export const hexOf = (text: string): string =>
  Array.from(text, (char) => char.charCodeAt(0).toString(16).padStart(2, "0")).join("");

function* places(text: string, wanted: Iterable<string>): Iterable<Range> {
  for (const one of wanted) {
    for (let at = text.indexOf(one); at >= 0; at = text.indexOf(one, at + one.length))
      yield [at, at + one.length];
  }
}

/** The search for a secret of ASCII characters. */
export function secretSought(secret: string): Sought {
  const spelled = new Set([secret.toLowerCase(), ...base64Of(secret)]);
  const numbers = [hexOf(secret), Array.from(secret, (char) => char.charCodeAt(0)).join("")];
  return {
    in: (text) => places(text, spelled),
    inNumbers: (digits) => places(digits, numbers),
    longest: Math.ceil(secret.length * 1.5),
  };
}

/** The text with `[API key]` in place of each range. */
export function without(text: string, secrets: readonly Range[]): string {
  const shown: string[] = [];
  let kept = 0;
  for (const [start, end] of secrets) {
    shown.push(text.slice(kept, start), isInList(text, start, end) ? "0" : "[API key]");
    kept = end;
  }
  return kept === 0 ? text : shown.join("") + text.slice(kept);
}

/** A function that removes a secret of ASCII characters from a text, in every spelling. */
export function strikerOf(secret: string): (text: string) => string {
  const sought = secretSought(secret);
  return (text) => without(text, atOnce(find(text, [sought]))[0] ?? []);
}

/** Whether a part is numbers of a JSON list. A number has to replace it there. */
function isInList(text: string, start: number, end: number): boolean {
  return (
    /^[\d\s,]+$/.test(text.slice(start, end)) && /[[,]\s*$/.test(text.slice(Math.max(0, start - 100), start))
  );
}
