/** Removes the definitions of workflows from texts. */

import { base64Of, find, hexOf, PIECE, type Range, type Sought } from "../shared/spellings.js";
import type { Steps } from "../shared/steps.js";

/** The fields of answers that contain a definition. */
const NAMES = ["workflow_definition", "definition_json", "json_dsl", "python_dsl"];
const ANY = `(?:${NAMES.join("|")})`;
const ENCODED = NAMES.flatMap((name) => [hexOf(name), ...base64Of(name)]);
/** The beginning of a definition. A field name alone may be an ordinary word. */
const OPENING = new RegExp(
  [`["']${ANY}["']\\s*[:=]`, `${ANY}\\s*(?:=>?\\s*["'[{]|:\\s*[[{])`, ...new Set(ENCODED)].join("|"),
  "g",
);
/** The search for the beginnings of definitions. */
export const OPENINGS: Sought = {
  *in(text) {
    for (const { index, 0: found } of text.matchAll(OPENING)) yield [index, index + found.length];
  },
  longest: 256,
};
/** Replaces a definition, and the rest of a text that contains one. */
const MARK = "[definition]";
/** JSON that is an object, a list or a string. */
const JSON_START = /^\s*[{["]/;

const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];
const [OPENED, CLOSED] = [
  [0x7b, 0x5b],
  [0x7d, 0x5d],
];
/**
 * Characters of an answer that may still be parsed as JSON. The limit keeps the time linear in the size of the answer.
 */
interface Budget {
  tries: number;
  characters: number;
}

/**
 * The text without definitions: in JSON, in lines of JSON, and in JSON inside the strings of JSON. Everything else
 * stays as it is, so numbers keep their digits. `openings` are the places of `OPENINGS` in the text. Other text ends
 * where a definition begins.
 */
export function withoutDefinitions(text: string, openings: readonly Range[]): Steps<string> {
  return withoutAt(text, openings, { tries: 2000, characters: text.length * 3 + 65_536 });
}

function* withoutAt(text: string, openings: readonly Range[], budget: Budget): Steps<string> {
  if (openings.length === 0) return text;
  if (isJson(text, budget)) return yield* cut(text, openings, budget);
  return yield* withoutInLines(text, openings, budget);
}

/** JSON without the members that are definitions. */
function* cut(json: string, openings: readonly Range[], budget: Budget): Steps<string> {
  const shown: string[] = [];
  let kept = 0;
  let [next, look] = [0, PIECE];
  for (let at = json.indexOf('"'); at >= 0; at = json.indexOf('"', at)) {
    if (at >= look) {
      look = at + PIECE;
      yield;
    }
    while (next < openings.length && (openings[next]?.[0] as number) < at) next += 1;
    const opening = openings[next]?.[0];
    if (opening === undefined) break;
    const end = endOfText(json, at);
    const colon = afterBlanks(json, end);
    if (opening === at && json[colon] === ":") {
      shown.push(json.slice(kept, at));
      kept = endOfValue(json, afterBlanks(json, colon + 1));
      const comma = afterBlanks(json, kept);
      // Also removes the comma after the member, or else the one before.
      if (json[comma] === ",") kept = afterBlanks(json, comma + 1);
      else dropComma(shown);
      at = kept;
      continue;
    }
    if (opening < end) {
      shown.push(json.slice(kept, at), yield* withoutInText(json.slice(at, end), opening - at, budget));
      kept = end;
    }
    at = end;
  }
  shown.push(json.slice(kept));
  return shown.join("");
}

/** Removes the comma at the end of the pieces. */
function dropComma(pieces: string[]): void {
  while (pieces.length > 0) {
    const last = (pieces.pop() as string).trimEnd();
    if (last === "") continue;
    pieces.push(last.endsWith(",") ? last.slice(0, -1) : last);
    return;
  }
}

/** A JSON string in which a definition begins at `opening`. */
function* withoutInText(token: string, opening: number, budget: Budget): Steps<string> {
  budget.characters -= token.length;
  if (budget.characters > 0 && budget.tries > 0) {
    budget.tries -= 1;
    const text = JSON.parse(token) as string;
    const [openings = []] = yield* find(text, [OPENINGS]);
    const rest = yield* withoutAt(text, openings, budget);
    if (rest !== text) return JSON.stringify(rest);
  }
  const rest = `${token.slice(0, opening)}${MARK}"`;
  return parses(rest) ? rest : `"${MARK}"`;
}

/**
 * Lines without definitions. Text that is not JSON is cut where a definition begins, up to the end of the line if the
 * definition ends there.
 */
function* withoutInLines(text: string, openings: readonly Range[], budget: Budget): Steps<string> {
  const shown: string[] = [];
  let [kept, look] = [0, PIECE];
  for (const [at, [opening]] of openings.entries()) {
    if (opening < kept) continue;
    if (opening >= look) {
      look = opening + PIECE;
      yield;
    }
    let start = opening;
    while (start > kept && !isLineEnd(text[start - 1])) start -= 1;
    let end = opening;
    while (end < text.length && !isLineEnd(text[end])) end += 1;
    const line = text.slice(start, end);
    if (isJson(line, budget)) {
      const inside: Range[] = [];
      for (let next = at; (openings[next]?.[0] ?? end) < end; next++) {
        const [from, to] = openings[next] as Range;
        inside.push([from - start, to - start]);
      }
      shown.push(text.slice(kept, start), yield* cut(line, inside, budget));
      kept = end;
    } else {
      shown.push(text.slice(kept, opening), MARK);
      kept = isWhole(text.slice(opening, end)) ? end : text.length;
    }
  }
  return shown.join("") + text.slice(kept);
}

const isLineEnd = (char: string | undefined): boolean => char === "\n" || char === "\r";

/** Whether a line closes all brackets and quotes that it opens. */
function isWhole(line: string): boolean {
  let depth = 0;
  let quote = "";
  for (let at = 0; at < line.length; at++) {
    const char = line[at] as string;
    if (char === "\\") at += 1;
    else if (quote !== "") quote = char === quote ? "" : quote;
    else if (char === '"' || char === "'") quote = char;
    else if (char === "{" || char === "[") depth += 1;
    else if (char === "}" || char === "]") {
      depth -= 1;
      if (depth <= 0) return true;
    }
  }
  return depth === 0 && quote === "";
}

function isJson(text: string, budget: Budget): boolean {
  if (budget.tries <= 0 || !JSON_START.test(text)) return false;
  budget.tries -= 1;
  return parses(text);
}

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The end of the string that begins at a quotation mark. */
function endOfText(json: string, start: number): number {
  let at = start + 1;
  for (let code = json.charCodeAt(at); code !== QUOTE; code = json.charCodeAt(at))
    at += code === BACKSLASH ? 2 : 1;
  return at + 1;
}

function endOfValue(json: string, start: number): number {
  let depth = 0;
  for (let at = start; at < json.length; at++) {
    const code = json.charCodeAt(at);
    if (code === QUOTE) at = endOfText(json, at) - 1;
    else if (OPENED.includes(code)) depth += 1;
    else if (depth > 0 && CLOSED.includes(code)) depth -= 1;
    else if (depth === 0 && (code === COMMA || CLOSED.includes(code))) return at;
  }
  return json.length;
}

function afterBlanks(json: string, start: number): number {
  let at = start;
  while (/[ \t\r\n]/.test(json[at] ?? "")) at += 1;
  return at;
}
