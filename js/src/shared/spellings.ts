/** The ways in which a text may be written without being that text, and texts without the secrets that they repeat. */

import { atOnce, type Steps } from "./steps.js";

/** Characters that one step reads: fewer than elsewhere, since they are read once for each layer of escapes. */
export const PIECE = 65_536;
/** Characters that one character may be spelled with, on average: so much of what follows a piece is read with it. */
const LONGEST_UNIT = 64;
/** Escapes within escapes that are read. */
const DEEPEST = 6;
const LONGEST_ENTITY = 12;
/** The names in HTML of the characters from U+0021 that are neither letter nor digit. */
const ENTITIES: ReadonlyMap<string, number> = new Map(
  (
    "excl33 quot34 num35 dollar36 percnt37 amp38 apos39 lpar40 rpar41 ast42 plus43 comma44 hyphen45 period46 sol47 colon58 " +
    "semi59 lt60 equals61 gt62 quest63 commat64 lsqb91 bsol92 rsqb93 hat94 lowbar95 grave96 lcub123 verbar124 rcub125"
  )
    .split(" ")
    .map((entry) => [entry.replace(/\d/g, ""), Number(entry.replace(/\D/g, ""))]),
);
/** What a backslash makes of the ASCII character behind it; 0 where it is none that stands for that. */
const ESCAPES = Uint16Array.from({ length: 128 }, (_, code) => {
  const at = "nrtbfv".indexOf(String.fromCharCode(code));
  return at < 0 ? (/[a-z\d]/i.test(String.fromCharCode(code)) ? 0 : code) : "\n\r\t\b\f\v".charCodeAt(at);
});
/** The ASCII characters with which something else than themselves may begin. */
const SPECIAL = Uint8Array.from({ length: 128 }, (_, code) =>
  Number("\\%&=\r\n".includes(String.fromCharCode(code))),
);
const ESCAPED = /[\\%&\r\n]/;
const QUOTED_PRINTABLE = /=[\da-f]{2}/;
/** Where a list of numbers may be, of two digits each. */
const NUMBERS = /[\da-f][\da-fx\W_]{15}/;
const [NEW_LINE, RETURN, PERCENT, AMPERSAND, EQUALS, BACKSLASH] = [10, 13, 37, 38, 61, 92];
const UNIT = 0x10000;

/** Where something is in a text. */
export type Range = readonly [start: number, end: number];

/** What is looked for, in small letters. */
export interface Sought {
  /** Where it is in a text without escapes. */
  in(text: string): Iterable<Range>;
  /** Where it is in the letters and digits of a text alone: lists of numbers. */
  inNumbers?(text: string): Iterable<Range>;
  /** Characters of the longest that is looked for. */
  readonly longest: number;
}

/** A text as it reads, and where each of its characters begins and ends in the text as it is written; undefined where that is the same. */
interface Reading {
  readonly text: string;
  readonly starts: Uint32Array | undefined;
  readonly ends: Uint32Array | undefined;
}

/**
 * Finds what is sought however it is spelled: escaped for JSON, JavaScript, Python, HTML, addresses, email, within one another, in
 * any case, over folded lines, as a list of numbers. The time for it grows as the text does. `tests/fixtures/spellings.json` lists what
 * is read. Gives, for each that is sought, parts that do not overlap, in their order.
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

/** Letters that have no small one of the same length are left as they are. */
function lowered(text: string): string {
  const small = text.toLowerCase();
  return small.length === text.length ? small : text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

function written([start, end]: Range, { starts, ends }: Reading): Range {
  return [starts?.[start] ?? start, ends?.[end - 1] ?? end];
}

/** Adds ranges that follow. Those that overlap are one; no half of an escape is left before one. */
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

/** A text as it is, without its escapes, without those that are left then, and so on. */
function* readings(text: string): Iterable<Reading> {
  let reading: Reading = { text, starts: undefined, ends: undefined };
  yield reading;
  for (let depth = 0; depth < DEEPEST && ESCAPED.test(reading.text); depth++) {
    const next = unescaped(reading, depth === DEEPEST - 1 ? "rows" : "layer");
    if (next === undefined) break;
    yield next;
    reading = next;
  }
  // Last, since values follow `=` that begin with such digits.
  const last = QUOTED_PRINTABLE.test(reading.text) ? unescaped(reading, "mail") : undefined;
  if (last !== undefined) yield last;
}

/**
 * A text without one layer of escapes and without ends of lines; undefined where it has none. `rows` takes all backslashes of a row
 * for one, `mail` reads quoted-printable as well.
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
    // Nothing else than ASCII is looked for.
    codes[size] = code < 128 ? code : 0;
    at += length;
    from[size] = starts?.[start] ?? start;
    to[size] = ends?.[at - 1] ?? at;
    size += 1;
  }
  if (size === text.length) return undefined;
  return { text: forReadings.text(size), starts: from, ends: to };
}

/** The letters and digits of a text, without what tells that a number is hexadecimal. */
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

/** Room for the characters of a reading and for their places: that of a reading is used again for the one after the next. */
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

/** Characters of an end of a line, as headers, shells and messages of email fold lines, with the blanks behind it. */
function foldLength(text: string, start: number): number {
  const first = text.charCodeAt(start);
  let at = first === EQUALS || first === BACKSLASH ? start + 1 : start;
  let code = text.charCodeAt(at);
  while (code === NEW_LINE || code === RETURN) code = text.charCodeAt(++at);
  while (code === 32 || code === 9) code = text.charCodeAt(++at);
  return at - start;
}

/** The character that a text has at a place, and as many times `UNIT` as it is long there. */
function unitAt(text: string, at: number, code: number, isMail: boolean): number {
  if (code === AMPERSAND) return entityAt(text, at);
  if (code === BACKSLASH) return escapeAt(text, at);
  if (code === PERCENT && text.charCodeAt(at + 1) === 117) return unit(hex(text, at + 2, 4), 6, code);
  if (code === PERCENT || (code === EQUALS && isMail)) return unit(hex(text, at + 1, 2), 3, code);
  return UNIT + code;
}

/** A unit; one character as it is where `code` is below 0. */
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

/** The number of so many hexadecimal digits; -1 where there are not as many. */
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

/** What base64 makes of a text, wherever it begins in what is encoded, without the characters that its neighbours decide about; in small letters. */
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

/** How a secret, of ASCII characters, is looked for. */
export function secretSought(secret: string): Sought {
  const spelled = new Set([secret.toLowerCase(), ...base64Of(secret)]);
  const numbers = [hexOf(secret), Array.from(secret, (char) => char.charCodeAt(0)).join("")];
  return {
    in: (text) => places(text, spelled),
    inNumbers: (digits) => places(digits, numbers),
    longest: Math.ceil(secret.length * 1.5),
  };
}

/** A text without the parts of it in which a secret was found. */
export function without(text: string, secrets: readonly Range[]): string {
  const shown: string[] = [];
  let kept = 0;
  for (const [start, end] of secrets) {
    shown.push(text.slice(kept, start), isInList(text, start, end) ? "0" : "[API key]");
    kept = end;
  }
  return kept === 0 ? text : shown.join("") + text.slice(kept);
}

/** What strikes a secret, of ASCII characters, out of a text however it is spelled. */
export function strikerOf(secret: string): (text: string) => string {
  const sought = secretSought(secret);
  return (text) => without(text, atOnce(find(text, [sought]))[0] ?? []);
}

/** Whether a part is numbers of a list, in the place of which JSON needs another number. */
function isInList(text: string, start: number, end: number): boolean {
  return (
    /^[\d\s,]+$/.test(text.slice(start, end)) && /[[,]\s*$/.test(text.slice(Math.max(0, start - 100), start))
  );
}
