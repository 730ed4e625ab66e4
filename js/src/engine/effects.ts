/** The effects that the core's engine asks of its host, and its requests and answers. */

/** @internal A tool call that the engine starts. */
export interface StartTool {
  readonly call: number;
  readonly runId: string;
  readonly workflow: string;
  readonly task: string;
  readonly attempt: number;
  readonly tool: string;
  readonly args: unknown[];
  readonly kwargs: Record<string, unknown>;
  readonly idempotencyKey: string;
  readonly deadline: number | null;
  readonly lastHeartbeat: {
    readonly attempt: number;
    readonly details: unknown;
    readonly at: string;
  } | null;
}

/** @internal */
export type Effect =
  | ({ readonly type: "start_tool" } & StartTool)
  | { readonly type: "abort_tool"; readonly call: number; readonly reason: string }
  | { readonly type: "update_ended"; readonly runId: string; readonly update: number }
  | { readonly type: "run_ended"; readonly runId: string };

/** A request to the core. */
export interface Asked {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers?: object;
  readonly body?: string | null;
}

/** A part of the body of an answer. */
export interface Piece {
  readonly body: string;
  /** The token for the next piece; undefined for the last piece. */
  readonly rest?: string | undefined;
}

/** The answer to a request, with the first piece of its body. */
export interface Answer extends Piece {
  readonly status: number;
  readonly headers: Record<string, string>;
}
