/** What the facade relies on in the WebAssembly modules. Plain data crosses as JSON text. */

/** Functions of both modules. */
export interface CoreApi {
  version(): string;
  errorCodes(): string;
  seconds(name: string, value: string, least: number): number;
  driverTask(name: string, options: string, taken: boolean): string;
  driverValidate(tasks: string): string;
  driverCheck(tasks: string): void;
  driverBuild(settings: string): string;
  clientCheck(config: string): void;
  clientCall(host: Host, config: string, op: string, args: string): Promise<string>;
}

/** Functions of the full module. */
export interface FullApi extends CoreApi {
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
