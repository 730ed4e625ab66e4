/** Loads a WebAssembly module once, at first use, from the source that an entry or the caller provides. */

import { errorOf, type HighwayError, isHighwayError } from "../shared/errors.js";
// Named imports, so that bundlers drop the glue's own loading code.
import {
  clientCall,
  clientCheck,
  clientWatch,
  driverArtifact,
  driverBuild,
  driverCheck,
  driverTask,
  driverTasks,
  errorCodes,
  initSync,
  seconds,
  version,
  whenTrapped,
} from "../generated/core.js";
import { guard, guardAsync, translate } from "./guard.js";
import type { CoreApi, Glue, ModuleApi, WasmSource } from "./wasm-api.js";

/** A compiled `WebAssembly.Module`. Declared as `object`, because only the DOM libraries declare that type. */
export type CompiledModule = object;

/** Where to load the module from: a URL, a response, bytes, or a compiled module. */
export type InitSource = string | URL | Response | ArrayBuffer | ArrayBufferView | CompiledModule;

/** @internal One WebAssembly module, and whether it is loaded. */
export class Runtime<Api extends ModuleApi> {
  readonly #glue: Glue & Api;
  readonly #init: string;
  #source: (() => WasmSource) | undefined;
  #asset: URL | undefined;
  #loaded = false;
  #loading: Promise<void> | undefined;
  #trap: HighwayError | undefined;
  /** Rejects each pending call when the module traps. */
  readonly #pending = new Set<(error: unknown) => void>();

  /** `init` is the name of the public function that loads this module, for messages. */
  constructor(glue: Glue & Api, init: string) {
    this.#glue = glue;
    this.#init = init;
    glue.whenTrapped?.((error) => {
      const told = translate(error, this.#onTrap);
      if (told !== this.#trap) throw told;
    });
  }

  /** Sets the source of the module, for an entry that contains it. */
  provide(source: () => WasmSource): void {
    this.#source ??= source;
  }

  /** Sets the address of the module, for an entry that knows it. */
  provideAsset(url: URL): void {
    this.#asset ??= url;
  }

  get isReady(): boolean {
    return this.#loaded;
  }

  /** Calls the module. Loads it first if the source allows that synchronously. */
  call<T>(use: (api: Api) => T): T {
    const api = this.#api();
    return guard(() => use(api), this.#onTrap);
  }

  /** {@link call} for a function that returns a promise. */
  async callAsync<T>(use: (api: Api) => Promise<T>): Promise<T> {
    const api = this.#api();
    let fail = (_: unknown): void => {};
    const trapped = new Promise<never>((_, reject) => {
      fail = reject;
    });
    this.#pending.add(fail);
    try {
      return await guardAsync(() => Promise.race([use(api), trapped]), this.#onTrap);
    } finally {
      this.#pending.delete(fail);
    }
  }

  /** Loads the module. Repeated and concurrent calls share one load; after a failure it may be called again. */
  init(source?: InitSource | Promise<InitSource>): Promise<void> {
    if (this.#loaded) return Promise.resolve();
    this.#loading ??= this.#load(source).finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  async #load(given: InitSource | Promise<InitSource> | undefined): Promise<void> {
    if (typeof WebAssembly === "undefined") throw unsupported();
    try {
      const source = await (given ?? this.#source?.() ?? this.#asset);
      if (source === undefined) throw notInitialized(this.#init);
      const module = await compiled(source);
      // A call may have loaded the module meanwhile. That instance stays.
      if (!this.#loaded) this.#instantiate(module);
    } catch (error) {
      throw isHighwayError(error) ? error : loadFailed(error);
    }
  }

  #api(): Api {
    if (this.#trap) throw this.#trap;
    if (!this.#loaded) {
      if (!this.#source) throw notInitialized(this.#init);
      if (typeof WebAssembly === "undefined") throw unsupported();
      try {
        this.#instantiate(this.#source());
      } catch (error) {
        throw loadFailed(error);
      }
    }
    return this.#glue;
  }

  #instantiate(source: WasmSource): void {
    const module = isModule(source)
      ? (source as WebAssembly.Module)
      : new WebAssembly.Module(source as BufferSource);
    // The glue keeps the first module it gets, so check that it is ours.
    if (!WebAssembly.Module.exports(module).some(({ name }) => name === "errorCodes")) {
      throw new Error("it is not the module of highway-wasm");
    }
    this.#glue.initSync({ module });
    this.#loaded = true;
  }

  readonly #onTrap = (error: HighwayError): void => {
    this.#trap = error;
    for (const fail of this.#pending) fail(error);
  };
}

async function compiled(source: InitSource): Promise<WebAssembly.Module> {
  if (typeof source === "string" || source instanceof URL) return await compiled(await fetched(source));
  if (isModule(source)) return source as WebAssembly.Module;
  if (!isResponse(source)) return await WebAssembly.compile(source as BufferSource);
  const streams = typeof WebAssembly.compileStreaming === "function";
  // `compileStreaming` requires the right media type, which not every server sends.
  const isTyped = source.headers.get("content-type")?.startsWith("application/wasm");
  if (streams && isTyped) return await WebAssembly.compileStreaming(source);
  return await WebAssembly.compile(await source.arrayBuffer());
}

/** Checks the tag, because a module may come from another realm. */
function isModule(source: object): boolean {
  return Object.prototype.toString.call(source) === "[object WebAssembly.Module]";
}

function isResponse(source: object): source is Response {
  return "arrayBuffer" in source && "headers" in source;
}

async function fetched(address: string | URL): Promise<Response> {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${response.url || address} answered ${response.status}`);
  const type = response.headers.get("content-type") ?? "";
  if (type.includes("html"))
    throw new Error(`${response.url || address} is an HTML page, not a WebAssembly module`);
  return response;
}

function notInitialized(init: string): HighwayError {
  return errorOf("NOT_INITIALIZED", "the WebAssembly module is not loaded", {
    help: `call \`await ${init}()\` first ("highway-wasm/web"), \`await ${init}(module)\` ("highway-wasm/slim"), or import "highway-wasm"`,
  });
}

function unsupported(): HighwayError {
  return errorOf("WASM_LOAD_FAILED", "this runtime has no WebAssembly", {
    help: "use a browser, Node, Deno, Bun or a worker runtime that runs WebAssembly",
  });
}

function loadFailed(cause: unknown): HighwayError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return errorOf("WASM_LOAD_FAILED", `the WebAssembly module could not be loaded: ${reason}`, {
    help:
      "a page's Content-Security-Policy must allow 'wasm-unsafe-eval'; an address must lead to the .wasm file itself; " +
      "in Cloudflare Workers let the bundler use the `workerd` condition",
    cause,
  });
}

/** @internal The module of the driver and the client. */
export const core: Runtime<CoreApi> = new Runtime<CoreApi>(
  {
    clientCall,
    clientCheck,
    clientWatch,
    driverArtifact,
    driverBuild,
    driverCheck,
    driverTask,
    driverTasks,
    errorCodes,
    initSync,
    seconds,
    version,
    whenTrapped,
  },
  "init",
);

/**
 * Loads the WebAssembly module. Required with `highway-wasm/web` and `highway-wasm/slim`. With all other entries the
 * module loads at first use; this call loads it earlier, without blocking.
 *
 * @param source Where to load the module from; default: the entry's own source. Ignored once the module is loaded.
 * @throws {WasmError} `NOT_INITIALIZED` without a source, `WASM_LOAD_FAILED`.
 */
export function init(source?: InitSource | Promise<InitSource>): Promise<void> {
  return core.init(source);
}

/** Whether the WebAssembly module is loaded. */
export function isReady(): boolean {
  return core.isReady;
}
