/** Sends requests to the core's engine and reads its answers. */

import type { EngineHandle } from "../wasm/wasm-api.js";
import type { Answer, Asked, Piece } from "./effects.js";

/** The header with which the core continues an answer. */
const REST = "x-highway-rest";

/** Sends a request to the core. `newId` becomes the id of a run that the request creates. */
export function answerOf(
  handle: EngineHandle,
  { method, url, headers = {}, body }: Asked,
  newId: string,
  now: number,
): Answer {
  const head = JSON.stringify({ method, url, headers });
  const [line, text] = cut(handle.request(head, body ?? undefined, newId, now));
  const { status, headers: allHeaders } = JSON.parse(line) as Omit<Answer, "body">;
  const { [REST]: rest, ...others } = allHeaders;
  return { status, headers: others, body: text, rest };
}

/** The next piece of an answer; undefined if the run was dropped. */
export function pieceOf(handle: EngineHandle, rest: string): Piece | undefined {
  const piece = handle.rest(rest);
  if (piece === undefined) return undefined;
  const [line, body] = cut(piece);
  return { body, rest: line || undefined };
}

/** An answer with its complete body. */
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

/** Splits a text into its first line and the rest. */
function cut(text: string): [line: string, rest: string] {
  const end = text.indexOf("\n");
  return [text.slice(0, end), text.slice(end + 1)];
}
