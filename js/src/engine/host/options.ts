/** Options of a `LocalEngine`. */

import { checkOptions, invalid } from "../../shared/options.js";
import { checkConfiguration, type EngineLimits } from "../configuration.js";
import type { DslCompiler } from "../requests/python-dsl.js";
import type { EngineStore } from "../stores/store.js";
import type { Tools } from "../tools/tool.js";

/** Options of an engine. */
export interface LocalEngineOptions {
  /**
   * Tools by the name that tasks call. `tools.http.request` is always there; `nodeTools()` of `highway-wasm/node` adds
   * a shell and Python. `tool` of the engine adds more. A definition that calls any other tool is refused with
   * `TOOL_NOT_REGISTERED` when it is submitted.
   */
  tools?: Tools | undefined;
  /** Number of tools that may run at the same time; default: 64. Further tasks wait. */
  concurrency?: number | undefined;
  /** Number of event streams that may be open; default: 256. Further ones are refused with status 503. */
  maxStreams?: number | undefined;
  /** Limits by name; docs/limits.md explains each. */
  limits?: EngineLimits | undefined;
  /**
   * Number of finished runs that are kept; default: all. Beyond that, the oldest finished runs are dropped, at the
   * earliest a minute after their end. The API then no longer knows them, and their idempotency keys start new runs.
   * Runs that an active run has started are kept as long as that run.
   */
  keepRuns?: number | undefined;
  /** Values of `{{ENV.NAME}}`; default: none. */
  env?: Readonly<Record<string, string>> | undefined;
  /**
   * Values of `{{secrets.NAME}}`; default: none. Only arguments of tools may use them, since arguments are not stored.
   * The engine removes secrets from the logs and the errors of tools. The result of a tool is stored as it is.
   */
  secrets?: Readonly<Record<string, string>> | undefined;
  /**
   * What a template with an unknown name does: `strict` fails the task with `TEMPLATE_UNRESOLVED`, `lenient` keeps the
   * text; default: `strict`.
   */
  templates?: "strict" | "lenient" | undefined;
  /**
   * The time in milliseconds since the Unix epoch; default: the system's clock. If the clock is set back, waits that
   * have begun last as long as they would have. If it jumps ahead, the engine follows within a minute.
   */
  clock?: (() => number) | undefined;
  /**
   * Stores the journal, so that runs continue after a restart: `fileStore(folder)` and `sqliteStore(path)` of
   * `highway-wasm/node`, `indexedDbStore(name)` in a browser, `durableObjectStore(ctx.storage)` at the edge. A tool
   * that was running at the end runs again, as the same attempt with the same idempotency key. Without a store, runs
   * end with the engine.
   */
  store?: EngineStore | undefined;
  /**
   * For a host that is stopped between requests, such as a Durable Object. The engine passes the latest time at which
   * it must run again, in milliseconds since the Unix epoch. At that time the host creates an engine if there is none,
   * and calls `wake`. Each call replaces the one before. While tools run, the time is 30 s ahead. The engine calls
   * `onWake` before it stores the change that needs the time; if `onWake` fails, the engine stops as it does when its
   * store fails. The engine sets no timer of more than 5 s itself. A new engine relies on the time that the
   * previous engine named: a host that does not store that time calls `wake` at once.
   */
  onWake?: ((at: number) => void | Promise<void>) | undefined;
  /**
   * Compiles workflows that are submitted as Python (`python_dsl`): takes the source and gives the definition that its
   * `get_workflow()` returns. `pythonDsl()` of `highway-wasm/node` runs the source. Without a compiler, Python is
   * refused.
   */
  pythonDsl?: DslCompiler | undefined;
}

const NAMES = [
  "tools",
  "concurrency",
  "maxStreams",
  "limits",
  "keepRuns",
  "env",
  "secrets",
  "templates",
  "clock",
  "store",
  "onWake",
  "pythonDsl",
];

/** Checks the options of an engine. @throws {ConfigurationError} `OPTION_INVALID`. */
export function checkLocalOptions(options: LocalEngineOptions): void {
  checkOptions(options, NAMES, "the engine");
  const { tools = {}, clock, store, onWake } = options;
  if (typeof tools !== "object" || tools === null) throw invalid("`tools` is not an object", "/tools");
  for (const [name, tool] of Object.entries(tools)) {
    if (typeof tool !== "function") throw invalid(`the tool \`${name}\` is not a function`, "/tools");
  }
  checkConfiguration(options);
  if (clock !== undefined && typeof clock !== "function") {
    throw invalid("`clock` is not a function", "/clock");
  }
  if (store !== undefined && !(typeof store?.load === "function" && typeof store.append === "function")) {
    throw invalid("`store` is not a store", "/store");
  }
  if (onWake !== undefined && typeof onWake !== "function") {
    throw invalid("`onWake` is not a function", "/onWake");
  }
  if (onWake !== undefined && store === undefined) {
    throw invalid("`onWake` needs a `store`: without one, no run is left to wake", "/onWake");
  }
}
