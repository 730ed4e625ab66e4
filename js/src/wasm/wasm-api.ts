/** What the facade relies on in the WebAssembly modules. Plain data crosses as JSON text. */

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
  /** A line `[name, timeout]`, and the definition behind it. */
  driverBuild(settings: string): string;
  clientCheck(config: string): void;
  /** `body` is JSON text that is sent as it is. */
  clientCall(host: Host, config: string, op: string, args: string, body?: string): Promise<string>;
  clientWatch(host: WatchHost, config: string): Promise<void>;
}

/** Clocks of the host. */
export interface Clocks {
  /** How far the clocks of a time zone are ahead of UTC at a moment, in milliseconds; nothing for a zone that is not known. */
  zoneOffset(zone: string, at: number): number | undefined;
}

/** Functions of the workflow module. */
export interface WorkflowApi extends ModuleApi {
  builderNew(params: string): void;
  builderCall(method: string, params: string, hasCurrent: boolean): void;
  builderBuild(build: string): string;
  workflowSet(text: string, setter: string, params: string): string;
  workflowRead(text: string, form: string): void;
  driverValidate(tasks: string, now: number, clocks: Clocks): string;
  workflowValidate(text: string, form: string, now: number, clocks: Clocks): string;
  workflowWrite(text: string, form: string, to: string, options: string): string;
  workflowLayout(text: string, options: string): unknown;
}

/** Functions of the full module: those of the workflow module, with YAML, and the engine. */
export interface FullApi extends WorkflowApi {
  EngineHandle: new (config: string, host: Clocks) => EngineHandle;
  durationMillis(path: string, value: string): number;
  /** A text with secrets, a list of texts as JSON text, struck out of it. */
  strikeSecrets(text: string, secrets: string): string;
}

/** The embedded engine. Times are milliseconds since the Unix epoch. */
export interface EngineHandle {
  /** Answers `{method, url, headers}` and a body with a line `{status, headers}` and the body behind it. */
  request(head: string, body: string | undefined, newId: string, now: number): string;
  /** The next piece of an answer with the header `x-highway-rest`, behind a line with the header that the piece has itself. */
  rest(rest: string): string | undefined;
  /** The variables that a running call can read, as JSON text. */
  variables(call: number): string;
  toolsFinished(outcomes: string, now: number): void;
  /** The host has one more tool, or another one of that name; `isOwn` where it is this package's. */
  addTool(name: string, isOwn: boolean): void;
  /** A running tool has told a line of its log. */
  log(call: number, level: string, message: string, now: number): void;
  /** A running tool has written something, to `stdout` or `stderr`. */
  wrote(call: number, stream: string, text: string, now: number): void;
  /** A running tool has shown that it is alive; `details` is JSON text. */
  heartbeat(call: number, details: string, now: number): void;
  tick(now: number): void;
  nextWake(): number | undefined;
  /** What happened when, where the engine was told to keep that: `{entries, runs}`. */
  timeline(): string;
  /** Takes what a store has kept. */
  replay(records: string): void;
  /** Goes on after a replay. */
  resume(now: number): void;
  /** What has changed, to be kept before the effects are released. */
  takeRecords(): string | undefined;
  /** Begins a snapshot: entries that rebuild the present state when they are replayed from nothing. */
  beginSnapshot(): void;
  /** Its next entry; nothing behind the last. Until then the state must not change. */
  snapshotEntry(): string | undefined;
  takeEffects(): string;
  hasMore(): boolean;
  limit(name: string): number;
  free(): void;
}

/** Why something ended before it was done. */
export type Cut = "timeout" | "aborted";

/** What became of a question for the credential. */
export type Authorized =
  | { readonly credential: string }
  | { readonly kind: Cut }
  | { readonly kind: "failed"; readonly reason: string };

/** A stream of events. */
export interface Events {
  /** The data of the next one; `undefined` when the stream is over. */
  next(): Promise<string | undefined>;
}

/** What the facade does for one call of the client. */
export interface Host {
  /** The most bytes of an answer that are taken. */
  readonly mostBytes: number;
  /** Sends a request through the caller's function; rejects where there is no answer. */
  fetch(request: Request, signal: AbortSignal): Promise<Response>;
  /** Waits for the work. If the time passes or the call ends first, aborts the controller and gives the reason. */
  within(timeoutMs: number, work: Promise<undefined>, controller: AbortController): Promise<Cut | undefined>;
  /** The body of a request that is no JSON, anew for each attempt. */
  attachment(): BodyInit | undefined;
  /** Keeps why there is no answer, and gives that in words. */
  failed(error: unknown): string;
  /** The text of a refusal, without the credentials that it repeats. */
  struck(text: string): Promise<string>;
  /** Keeps the body of an answer that is taken as bytes. */
  keep(bytes: Uint8Array): void;
  /** Opens the stream of events that an answer is. */
  events(response: Response, controller: AbortController): Promise<Events>;
  /** Gets the credential, another one than the one that was refused; never rejects. */
  authorize(refused: string | undefined, timeoutMs: number): Promise<Authorized>;
  /** Whether a failure, as JSON text, is worth another attempt. */
  judge(error: string, attempt: number): boolean | undefined;
  /** Sleeps; `false` when the signal fired first. */
  sleep(ms: number): Promise<boolean>;
  /** Takes some of the tasks of a run as JSON text, which come before those of the outcome; the first of them, or some more. */
  part(runId: string, isFirst: boolean, tasks: string): void;
  now(): number;
  random(): number;
  /** A number that the core keeps from call to call, 0 at first. */
  recall(index: number): number;
  remember(index: number, value: number): void;
}

/** What it does for following runs. */
export interface WatchHost extends Host {
  /** Who follows a run now, and who does not any more, as JSON text; nothing where nobody came or left. */
  commands(): string | undefined;
  /** Whether the page is hidden. */
  isHidden(): boolean;
  /** Ends the sleep. */
  wake(): void;
  /** Tells a follower the status of a run, as JSON text. */
  tell(ticket: number, status: string): void;
  /** Tells a follower the end: the result as JSON text, or what the core throws. */
  end(ticket: number, outcome: unknown, isError: boolean): void;
}

/** Bytes or a compiled module. */
export type WasmSource = BufferSource | WebAssembly.Module;

/** The part of wasm-bindgen's glue that starts a module. */
export interface Glue {
  initSync(module: { module: WasmSource }): unknown;
  /** What is called with what the continuation of a promise throws; of a module that gives promises. */
  whenTrapped?(hear: (error: unknown) => void): void;
}
