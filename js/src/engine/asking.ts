/** Requests to the state machine. */

import type { EngineHandle } from "../wasm/wasm-api.js";
import type { Answer, Asked, Piece } from "./effects.js";

/** The header that says where an answer goes on. */
const REST = "x-highway-rest";

/** Asks the core; `newId` becomes the id of a run that the request creates. */
export function answerOf(
  handle: EngineHandle,
  { method, url, headers = {}, body }: Asked,
  newId: string,
  now: number,
): Answer {
  const head = JSON.stringify({ method, url, headers });
  const [line, text] = cut(handle.request(head, body ?? undefined, newId, now));
  const { status, headers: told } = JSON.parse(line) as Omit<Answer, "body">;
  const { [REST]: rest, ...others } = told;
  return { status, headers: others, body: text, rest };
}

/** The next piece of an answer; undefined where the run is forgotten. */
export function pieceOf(handle: EngineHandle, rest: string): Piece | undefined {
  const piece = handle.rest(rest);
  if (piece === undefined) return undefined;
  const [line, body] = cut(piece);
  return { body, rest: line || undefined };
}

/** An answer in one piece. */
export function wholeAnswerOf(handle: EngineHandle, asked: Asked, newId: string, now: number): Answer {
  const answer = answerOf(handle, asked, newId, now);
  let { body, rest } = answer;
  while (rest !== undefined) {
    const piece = pieceOf(handle, rest);
    body += piece?.body ?? "";
    rest = piece?.rest;
  }
  return { ...answer, body, rest };
}

/** The first line of a text, and what is behind it. */
function cut(text: string): [line: string, rest: string] {
  const end = text.indexOf("\n");
  return [text.slice(0, end), text.slice(end + 1)];
}
