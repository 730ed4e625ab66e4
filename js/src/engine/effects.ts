/** What the state machine has its host do, and what it answers. */

/** @internal */
export type Effect =
  | {
      readonly type: "start_tool";
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
    }
  | { readonly type: "abort_tool"; readonly call: number; readonly reason: string }
  | { readonly type: "update_ended"; readonly runId: string; readonly update: number }
  | { readonly type: "run_ended"; readonly runId: string };

/** @internal The answer to a request. */
export interface Answer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string;
}
