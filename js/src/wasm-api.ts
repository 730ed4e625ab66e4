/** What the facade relies on in the WebAssembly modules. Plain data crosses as JSON text. */

/** Functions of every module. */
export interface ModuleApi {
  version(): string;
  errorCodes(): string;
}

/** Functions of the core module. */
export interface CoreApi extends ModuleApi {
  seconds(name: string, value: string, least: number): number;
  driverTask(method: string, name: string, options: string, taken: boolean): string;
  driverValidate(tasks: string, now: number): string;
  driverCheck(settings: string): void;
  driverBuild(settings: string): string;
  clientCheck(config: string): void;
  clientCall(host: Host, config: string, op: string, args: string): Promise<string>;
}

/** Functions of the workflow module. */
export interface WorkflowApi extends ModuleApi {
  builderNew(params: string): void;
  builderCall(method: string, params: string, hasCurrent: boolean): void;
  builderBuild(build: string): string;
  workflowRead(text: string, form: string): void;
  workflowValidate(text: string, form: string, now: number): string;
  workflowWrite(text: string, form: string, to: string, options: string): string;
}

/** Functions of the full module: those of the workflow module, with YAML, and the engine. */
export interface FullApi extends WorkflowApi {
  EngineHandle: new (config: string) => EngineHandle;
}

/** The embedded engine. Times are milliseconds since the Unix epoch. */
export interface EngineHandle {
  request(request: string, newId: string, now: number): string;
  toolSucceeded(call: number, result: string, now: number): void;
  toolFailed(call: number, failure: string, now: number): void;
  tick(now: number): void;
  nextWake(): number | undefined;
  takeEffects(): string;
  free(): void;
}

/** What became of a request. */
export type Outcome =
  | { readonly kind: "response"; readonly response: Response; readonly body: string }
  | { readonly kind: "timeout" | "aborted" }
  | { readonly kind: "failed"; readonly reason: string };

/** What the facade does for one call of the client; no promise of it rejects. */
export interface Host {
  /** Sends a request and reads the answer to its end. */
  send(request: Request, timeoutMs: number): Promise<Outcome>;
  /** Sleeps; `false` when the signal fired first. */
  sleep(ms: number): Promise<boolean>;
  now(): number;
  random(): number;
  /** Takes the status of a followed run, as JSON text. */
  progress(status: string): void;
}

/** Bytes or a compiled module. */
export type WasmSource = BufferSource | WebAssembly.Module;

/** The part of wasm-bindgen's glue that starts a module. */
export interface Glue {
  initSync(module: { module: WasmSource }): unknown;
}
