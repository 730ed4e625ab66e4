/** Sends requests to the core's engine and reads its answers. */

import type { EngineHandle } from "../wasm/wasm-api.js";
import type { Answer, Asked, OperationAnswer, Piece, RunText } from "./effects.js";
import { full } from "./runtime.js";

/** What the host has to know of a request before the core answers it. */
export type RequestKind =
  | { readonly kind: "upload" | "submission" | "runs" | "other" }
  | { readonly kind: "run"; readonly runId: string };

/** What hosts themselves ask of the engine. The subject is a run, an approval or a schedule, if any. */
export type Operation =
  | "submit"
  | "signal"
  | "signals"
  | "approvals"
  | "approve"
  | "reject"
  | "schedules"
  | "delete_schedule";

/** Paths that say whether the engine is well, and nothing else. */
export function healthPaths(): readonly string[] {
  return JSON.parse(full.call((api) => api.healthPaths())) as string[];
}

/** What a request is. */
export function kindOf(method: string, url: string): RequestKind {
  return JSON.parse(full.call((api) => api.requestKind(method, url))) as RequestKind;
}

/** Sends a request to the core. `newId` becomes the id of a run that the request creates. */
export function answerOf(
  handle: EngineHandle,
  { method, url, headers = {}, body, definition }: Asked,
  newId: string,
  now: number,
): Answer {
  const head = JSON.stringify({ method, url, headers });
  const [line, text] = cut(handle.request(head, body ?? undefined, newId, now, definition));
  return { ...(JSON.parse(line) as Omit<Answer, "body">), body: text };
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

/** The answer to an operation, in one piece. */
export function operationAnswer(
  handle: EngineHandle,
  [operation, subject]: readonly [operation: Operation, subject: string],
  body: string | undefined,
  newId: string,
  now: number,
): OperationAnswer {
  const [status, text] = cut(handle.operate(operation, subject, body, newId, now));
  return { status: Number(status), body: text };
}

/** A run as the API shows it; undefined if it was dropped. */
export function runOf(handle: EngineHandle, runId: string): RunText | undefined {
  const run = full.call(() => handle.run(runId));
  if (run === undefined) return undefined;
  const [line, text] = cut(run);
  return { text, isOver: line === "over" };
}

/** Splits a text into its first line and the rest. */
function cut(text: string): [line: string, rest: string] {
  const end = text.indexOf("\n");
  return [text.slice(0, end), text.slice(end + 1)];
}
