/** Requests to the state machine. */

import type { EngineHandle } from "../wasm-api.js";
import type { Answer, Asked } from "./effects.js";

/** Asks the core; `newId` becomes the id of a run that the request creates. */
export function answerOf(
  handle: EngineHandle,
  { method, url, headers = {}, body }: Asked,
  newId: string,
  now: number,
): Answer {
  const head = JSON.stringify({ method, url, headers });
  const answer = handle.request(head, body ?? undefined, newId, now);
  const end = answer.indexOf("\n");
  return { ...(JSON.parse(answer.slice(0, end)) as Omit<Answer, "body">), body: answer.slice(end + 1) };
}
