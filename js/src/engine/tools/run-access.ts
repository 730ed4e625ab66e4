/** The context of a tool call: what a tool can do in its run. */

import { plain, plainText } from "../../shared/plain.js";
import type { EngineHandle } from "../../wasm/wasm-api.js";
import { bytesOfBase64 } from "../../shared/base64.js";
import type { StartTool } from "../effects.js";
import { full } from "../runtime.js";
import { type LogLevel, STRIKE, type ToolCall, type ToolContext, ToolError } from "./tool.js";
import { parseJson } from "../../shared/json.js";

/** What a tool changes in its run, apart from its result. The engine applies both together. */
export class Acts {
  readonly #variables = new Map<string, unknown>();
  readonly #events: [string, unknown][] = [];

  readonly setVariable = (name: string, value: unknown): void => {
    this.#variables.set(String(name), plain(value, `/${name}`));
  };

  readonly emitEvent = (name: string, payload: unknown = {}): void => {
    this.#events.push([String(name), plain(payload, `/${name}`)]);
  };

  /** The changes as an addition to the result's JSON text: empty, or a comma and JSON text. */
  get text(): string {
    if (this.#events.length === 0 && this.#variables.size === 0) return "";
    return `,${plainText({ variables: Object.fromEntries(this.#variables), events: this.#events })}`;
  }
}

/** How a tool's context reaches the engine. */
interface Reach {
  readonly maxResultBytes: number;
  /** Calls the engine for a running tool. Does nothing once the attempt has ended. */
  report(tell: (handle: EngineHandle, now: number) => void): void;
  output: ToolContext["output"];
  artifact(id: string): Uint8Array;
  variables(): Record<string, unknown>;
  onRunEnd: ToolContext["onRunEnd"];
  /** Removes the engine's secrets from a text. */
  strike?(text: string): string;
}

/**
 * The parameter of a tool. Its functions do not need `this`, so it can be destructured. It is one literal without
 * spreads, which runtimes create a hundred times faster. The signal is created on first use, because it costs more than
 * everything else.
 */
export function callOf(start: StartTool, controller: AbortController, acts: Acts, reach: Reach): ToolCall {
  const { call, deadline, lastHeartbeat } = start;
  const given: ToolCall & { [STRIKE]: Reach["strike"] } = {
    args: start.args,
    kwargs: start.kwargs,
    runId: start.runId,
    workflow: start.workflow,
    task: start.task,
    tool: start.tool,
    attempt: start.attempt,
    idempotencyKey: start.idempotencyKey,
    deadline: deadline === null ? null : new Date(deadline),
    maxResultBytes: reach.maxResultBytes,
    lastHeartbeat: lastHeartbeat && { ...lastHeartbeat, at: new Date(lastHeartbeat.at) },
    get signal(): AbortSignal {
      return controller.signal;
    },
    log(message: string, level: LogLevel = "info"): void {
      const text = String(message);
      reach.report((handle, now) => handle.log(call, String(level), text, now));
    },
    heartbeat(details?: unknown): void {
      const text = plainText(details ?? null, "/details");
      reach.report((handle, now) => handle.heartbeat(call, text, now));
    },
    output: reach.output,
    artifact: async (id: string) => reach.artifact(id),
    variables: reach.variables,
    setVariable: acts.setVariable,
    emitEvent: acts.emitEvent,
    onRunEnd: reach.onRunEnd,
    [STRIKE]: reach.strike,
  };
  return given;
}

/** The variables that a running call can read. */
export function variablesOf(handle: EngineHandle, call: number): Record<string, unknown> {
  return parseJson(full.call(() => handle.variables(call))) as Record<string, unknown>;
}

/**
 * The bytes of an artifact.
 *
 * @throws {ToolError} `ARTIFACT_NOT_FOUND`.
 */
export function artifactOf(handle: EngineHandle, id: string): Uint8Array {
  const content = full.call(() => handle.artifact(id));
  if (content !== undefined) return bytesOfBase64(content);
  throw new ToolError(`there is no artifact \`${id}\``, {
    code: "ARTIFACT_NOT_FOUND",
    help: "upload it again: it was deleted, or belongs to another server",
    retryable: false,
  });
}
