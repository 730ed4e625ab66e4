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
  /** JSON text of the definition that the Python in the body stands for. */
  readonly definition?: string | undefined;
}

/** A part of the body of an answer. */
export interface Piece {
  readonly body: string;
  /** The token for the next piece; undefined for the last piece. */
  readonly rest?: string | undefined;
}

/** An update whose end an answer waits for. */
export interface Wait {
  readonly runId: string;
  readonly update: number;
  /** Where the answer of the run is read. */
  readonly url: string;
}

/** The answer to a request, with the first piece of its body, and what the host may do about it. */
export interface Answer extends Piece {
  readonly status: number;
  readonly headers: Record<string, string>;
  /** Hold the answer back until the update has ended. */
  readonly wait?: Wait | undefined;
  /** Send the states of the run of this id as an event stream in place of the answer. */
  readonly stream?: string | undefined;
  /** Compile this Python source, and ask again with the definition; with `null` if there is no source. */
  readonly compile?: string | null | undefined;
}

/** The answer to an operation of the host itself. */
export type OperationAnswer = Pick<Answer, "status" | "body">;

/** A run as the API shows it. */
export interface RunText {
  /** Its JSON text. */
  readonly text: string;
  readonly isOver: boolean;
}
