/** What a tool can reach of its run, beside its arguments. */

import { plain, plainText } from "../plain.js";
import type { EngineHandle } from "../wasm-api.js";
import { bytesOfBase64 } from "./base64.js";
import type { Answer } from "./effects.js";
import { full } from "./runtime.js";
import { ToolError } from "./tool.js";

/** What a tool does to its run beside its result; counts with that. */
export class Acts {
  readonly #variables: Record<string, unknown> = {};
  readonly #events: [string, unknown][] = [];

  readonly setVariable = (name: string, value: unknown): void => {
    this.#variables[String(name)] = plain(value, `/${name}`);
  };

  readonly emitEvent = (name: string, payload: unknown = {}): void => {
    this.#events.push([String(name), plain(payload, `/${name}`)]);
  };

  /** What goes behind a result that is told to the engine: nothing, or a comma and JSON text. */
  get text(): string {
    const isEmpty = this.#events.length === 0 && Object.keys(this.#variables).length === 0;
    return isEmpty ? "" : `,${plainText({ variables: this.#variables, events: this.#events })}`;
  }
}

/** The variables that a running call can read. */
export function variablesOf(handle: EngineHandle, call: number): Record<string, unknown> {
  return JSON.parse(full.call(() => handle.variables(call))) as Record<string, unknown>;
}

/** The bytes of an artifact. @throws {ToolError} `ARTIFACT_NOT_FOUND`. */
export function artifactOf(handle: EngineHandle, id: string, now: number): Uint8Array {
  const url = `/api/v1/artifacts/${encodeURIComponent(id)}`;
  const request = JSON.stringify({ method: "GET", url, headers: {}, body: null });
  const answer = JSON.parse(full.call(() => handle.request(request, "", now))) as Answer;
  if (answer.status === 200) return bytesOfBase64(answer.body);
  throw new ToolError(`there is no artifact \`${id}\``, {
    code: "ARTIFACT_NOT_FOUND",
    help: "upload it again: it was deleted, or belongs to another server",
    retryable: false,
  });
}
