/**
 * The functions of the WebAssembly modules that the facade uses. Plain data crosses as JSON text, findings and layouts as
 * objects.
 */

import type { Diagnostic } from "../shared/errors.js";

/** Functions of every module. */
export interface ModuleApi {
  version(): string;
  errorCodes(): string;
}

/** Functions of the core module. */
export interface CoreApi extends ModuleApi {
  seconds(path: string, value: string, least: number): number;
  driverTask(method: string, name: string, options: string, taken: boolean): void;
  driverTasks(tasks: string): string;
  driverCheck(tasks: string): number;
  driverArtifact(settings: string): string;
  /** Returns a line of JSON, `[name, timeout]`, followed by the definition. */
  driverBuild(settings: string): string;
  clientCheck(config: string): void;
  /** `body` is JSON text and is sent unchanged. */
  clientCall(host: Host, config: string, op: string, args: string, body?: string): Promise<string>;
  clientWatch(host: WatchHost, config: string): Promise<void>;
}

/** The host's knowledge of time zones. */
export interface Clocks {
  /** How far a time zone is ahead of UTC at a moment, in milliseconds. `undefined` for an unknown zone. */
  zoneOffset(zone: string, at: number): number | undefined;
}

/** A definition that was built. */
export interface Built {
  /** What its builder has to say about it. */
  readonly notes: Diagnostic[];
  /** The definition. */
  readonly text: string;
}

/** Functions of the workflow module. */
export interface WorkflowApi extends ModuleApi {
  /** The candidate that a misspelt name most likely means. */
  nearestName(name: string, candidates: readonly string[]): string | undefined;
  builderNew(params: string): void;
  builderCall(method: string, params: string, hasCurrent: boolean): void;
  builderBuild(build: string): Built;
  workflowSet(text: string, setter: string, params: string): Built;
  workflowRead(text: string, form: string): void;
  driverValidate(tasks: string, now: number, clocks: Clocks): Diagnostic[];
  workflowValidate(text: string, form: string, now: number, clocks: Clocks): Diagnostic[];
  workflowWrite(text: string, form: string, to: string, options: string): string;
  workflowLayout(text: string, options: string): unknown;
}

/** Functions of the full module: the workflow module's functions, YAML, and the engine. */
export interface FullApi extends WorkflowApi {
  EngineHandle: new (config: string, host: Clocks) => EngineHandle;
  durationMillis(path: string, value: string): number;
  /** What a request is to the host of the engine: `{kind, runId?}`. */
  requestKind(method: string, url: string): string;
  /** Paths that say whether an engine is well, and nothing else: a list as JSON text. */
  healthPaths(): string;
  /** The text without the secrets. `secrets` is a JSON list of texts. */
  strikeSecrets(text: string, secrets: string): string;
}

/** The embedded engine. Times are milliseconds since the Unix epoch. */
export interface EngineHandle {
  /**
   * Takes `{method, url, headers}` as JSON, the body, and the definition that the Python in the body stands for. Returns a
   * line `{status, headers, rest | stream | wait | compile}`, followed by the answer's body.
   */
  request(
    head: string,
    body: string | undefined,
    newId: string,
    now: number,
    definition: string | undefined,
  ): string;
  /** The next piece of an answer: a line with the argument for the piece after it, then the piece. */
  rest(rest: string): string | undefined;
  /** Carries out an operation that the host itself asks for. Returns a line with the status, then the answer's body. */
  operate(operation: string, subject: string, body: string | undefined, newId: string, now: number): string;
  /** A line that is `over` or empty, then the run as JSON text. */
  run(id: string): string | undefined;
  /** The bytes of an artifact, as base64. */
  artifact(id: string): string | undefined;
  /** The variables that a running call may read, as JSON text. */
  variables(call: number): string;
  toolsFinished(outcomes: string, now: number): void;
  /** Adds a tool, or replaces the one of that name. `isOwn` is true for a tool of this package. */
  addTool(name: string, isOwn: boolean): void;
  /** Adds a line to the log of a running call. */
  log(call: number, level: string, message: string, now: number): void;
  /** Adds output of a running call. `stream` is `stdout` or `stderr`. */
  wrote(call: number, stream: string, text: string, now: number): void;
  /** Notes that a running call is alive. `details` is JSON text. */
  heartbeat(call: number, details: string, now: number): void;
  tick(now: number): void;
  nextWake(): number | undefined;
  /** The recorded timeline, `{entries, runs}`, if the engine was configured to keep one. */
  timeline(): string;
  /** Applies a journal entry of a store. Returns whether a snapshot ends with the entry. */
  replay(records: string): boolean;
  /** Says that no further entry comes. @throws {ExecutionError} `JOURNAL_INVALID` if one is missing. */
  endReplay(): void;
  /** Continues after a replay. */
  resume(now: number): void;
  /** The records that the host has to store before it carries out the effects. */
  takeRecords(): string | undefined;
  /** Begins a snapshot: entries that rebuild the present state when they are replayed on an empty engine. */
  beginSnapshot(): void;
  /** The next entry of the snapshot; `undefined` after the last. The state must not change in between. */
  snapshotEntry(): string | undefined;
  takeEffects(): string;
  hasMore(): boolean;
  limit(name: string): number;
  free(): void;
}

/** Why a piece of work ended early. */
export type Cut = "timeout" | "aborted";

/** The outcome of a request for the credential. */
export type Authorized =
  | { readonly credential: string }
  | { readonly kind: Cut }
  | { readonly kind: "failed"; readonly reason: string };

/** A stream of events. */
export interface Events {
  /** The data of the next event; `undefined` at the end of the stream. */
  next(): Promise<string | undefined>;
}

/** The limit of a request in flight. */
export interface Limit {
  /** Ends the limit: `cut` is not called any more. */
  end(): void;
}

/** What the facade does for one call of the client. */
export interface Host {
  /** The largest answer that is accepted, in bytes. */
  readonly mostBytes: number;
  /** Sends a request through the caller's function. Rejects when there is no answer. */
  fetch(request: Request, signal: AbortSignal): Promise<Response>;
  /**
   * Limits the time of a request. If the time passes or the call ends first, aborts the controller and calls `cut`, with
   * whether the time has passed.
   */
  limit(timeoutMs: number, controller: AbortController, cut: (isLate: boolean) => void): Limit;
  /** A request body that is not JSON, created anew for each attempt. */
  attachment(): BodyInit | undefined;
  /** Keeps the error of a request without an answer, and returns its text. */
  failed(error: unknown): string;
  /** The text of a refusal, without the credentials that it repeats. */
  struck(text: string): Promise<string>;
  /** Keeps the bytes of an answer that the caller gets as bytes. */
  keep(bytes: Uint8Array): void;
  /** Opens the event stream in the body of an answer. */
  events(response: Response, controller: AbortController): Promise<Events>;
  /** Gets a credential other than `refused`. Never rejects. */
  authorize(refused: string | undefined, timeoutMs: number): Promise<Authorized>;
  /** Whether to try again after a failure, which is given as JSON text. */
  judge(error: string, attempt: number): boolean | undefined;
  /** Sleeps for `ms` milliseconds. Gives `false` if the signal fired first. */
  sleep(ms: number): Promise<boolean>;
  /**
   * Delivers some of the tasks of a run, as JSON text, before the outcome. `isFirst` marks the first delivery for a
   * run.
   */
  part(runId: string, isFirst: boolean, tasks: string): void;
  now(): number;
  random(): number;
  /** Reads a number that the core keeps between calls; 0 at first. */
  recall(index: number): number;
  remember(index: number, value: number): void;
}

/** What the facade does for following runs. */
export interface WatchHost extends Host {
  /** The followers that came or left, as JSON text; `undefined` when there are none. */
  commands(): string | undefined;
  /** Whether the page is hidden. */
  isHidden(): boolean;
  /** Ends the sleep. */
  wake(): void;
  /** Gives a follower the status of its run, as JSON text. */
  tell(ticket: number, status: string): void;
  /** Ends a follower: with the result as JSON text, or with the error that the core threw. */
  end(ticket: number, outcome: unknown, isError: boolean): void;
}

/** Bytes or a compiled module. */
export type WasmSource = BufferSource | WebAssembly.Module;

/** The part of wasm-bindgen's glue that starts a module. */
export interface Glue {
  initSync(module: { module: WasmSource }): unknown;
  /** Sets the function that gets the error of a promise's continuation. Only modules that return promises have it. */
  whenTrapped?(hear: (error: unknown) => void): void;
}
