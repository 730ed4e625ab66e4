/** Texts without the definitions of workflows that are in them. */

import { spellings } from "../spellings.js";

/** The members of answers that have one. */
const NAMES = ["workflow_definition", "definition_json", "json_dsl", "python_dsl"];
const ANY_SPELLING = new RegExp(NAMES.map(spellings).join("|"), "i");
/** Definitions within texts within texts are looked for no deeper. */
const DEPTH = 8;

/**
 * A text without definitions: JSON, lines of JSON, or JSON within the texts of JSON. Nothing else of it changes, so that numbers
 * keep their digits.
 */
export function withoutDefinitions(text: string, depth = DEPTH): string {
  if (depth === 0 || !ANY_SPELLING.test(text)) return text;
  if (isJson(text)) return cut(text, depth);
  return text.replace(/[^\r\n]+/g, (line) => {
    if (isJson(line)) return cut(line, depth);
    return ANY_SPELLING.test(line) && !speaksOf(line) ? "[definition]" : line;
  });
}

/** JSON without its members that are definitions. */
function cut(json: string, depth: number): string {
  const shown: string[] = [];
  let kept = 0;
  for (let at = json.indexOf('"'); at >= 0; at = json.indexOf('"', at)) {
    const end = endOfText(json, at);
    const token = json.slice(at, end);
    const colon = afterBlanks(json, end);
    if (json[colon] === ":") {
      if (NAMES.includes(decoded(token))) {
        shown.push(json.slice(kept, at));
        kept = endOfValue(json, afterBlanks(json, colon + 1));
        const next = afterBlanks(json, kept);
        // The comma goes that follows, or else the one before.
        if (json[next] === ",") kept = afterBlanks(json, next + 1);
        else dropComma(shown);
        at = kept;
        continue;
      }
    } else if (ANY_SPELLING.test(token)) {
      shown.push(json.slice(kept, at), withoutDefinitionsWithin(token, depth));
      kept = end;
    }
    at = end;
  }
  shown.push(json.slice(kept));
  return shown.join("");
}

/** Takes the comma off that ends the text of the pieces. */
function dropComma(pieces: string[]): void {
  while (pieces.length > 0) {
    const last = (pieces.pop() as string).trimEnd();
    if (last === "") continue;
    pieces.push(last.endsWith(",") ? last.slice(0, -1) : last);
    return;
  }
}

/** A text of JSON, as JSON writes it. */
function withoutDefinitionsWithin(token: string, depth: number): string {
  const text = decoded(token);
  const rest = withoutDefinitions(text, depth - 1);
  return rest === text ? token : JSON.stringify(rest);
}

/** Whether a text has one of the names as it is: a log may speak of definitions. */
const speaksOf = (text: string): boolean => NAMES.some((name) => text.includes(name));

const decoded = (token: string): string => JSON.parse(token) as string;

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The end of the text that begins at a quotation mark. */
function endOfText(json: string, start: number): number {
  let at = start + 1;
  while (json[at] !== '"') at += json[at] === "\\" ? 2 : 1;
  return at + 1;
}

function endOfValue(json: string, start: number): number {
  let depth = 0;
  for (let at = start; at < json.length; at++) {
    const char = json[at];
    if (char === '"') at = endOfText(json, at) - 1;
    else if (char === "{" || char === "[") depth += 1;
    else if (depth > 0 && (char === "}" || char === "]")) depth -= 1;
    else if (depth === 0 && /[,}\]]/.test(char as string)) return at;
  }
  return json.length;
}

function afterBlanks(json: string, start: number): number {
  let at = start;
  while (/[ \t\r\n]/.test(json[at] ?? "")) at += 1;
  return at;
}
