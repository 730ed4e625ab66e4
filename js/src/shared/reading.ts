/** Reads large answers in pieces. Between two pieces the event loop takes a turn. */

import { readJson } from "./json.js";
import { PIECE, type Steps } from "./steps.js";
import { inTurns } from "./turns.js";

/** Decodes bytes to text. */
export const decoded = (
  bytes: Uint8Array,
  decoder: Pick<TextDecoder, "decode"> = new TextDecoder(),
): Promise<string> => inTurns(inPieces(bytes, decoder));

function* inPieces(bytes: Uint8Array, decoder: Pick<TextDecoder, "decode">): Steps<string> {
  let text = "";
  for (let at = 0; at < bytes.length; at += PIECE) {
    if (at > 0) yield;
    const end = at + PIECE;
    text += decoder.decode(bytes.subarray(at, end), { stream: end < bytes.length });
  }
  return text;
}

/** Parses like `parseJson`; `undefined` for a text that is not JSON. */
export async function jsonOf(text: string): Promise<unknown> {
  try {
    return await inTurns(readJson(text));
  } catch {
    return undefined;
  }
}
