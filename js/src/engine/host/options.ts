/** Options of a `LocalEngine`. */

import { checkOptions, invalid } from "../../shared/options.js";
import { checkConfiguration, type EngineLimits } from "../configuration.js";
import type { DslCompiler } from "../requests/python-dsl.js";
import type { EngineStore } from "../stores/store.js";
import type { Tools } from "../tools/tool.js";

/** What an engine runs with. */
export interface LocalEngineOptions {
  /**
   * Tools by the name that tasks call, beside `tools.http.request`, which is always there. `nodeTools()` of
   * `highway-wasm/node` brings a shell and Python. More can be added with {@link LocalEngine.tool}. A definition that calls
   * any other is refused with `TOOL_NOT_REGISTERED` when it is submitted.
   */
  tools?: Tools | undefined;
  /** Tools that may run at once; 64 by default. Further tasks wait. */
  concurrency?: number | undefined;
  /** Event streams that may be open at once; 256 by default. Further ones are refused with status 503. */
  maxStreams?: number | undefined;
  /** How large things may become, by the names of docs/limits.md. */
  limits?: EngineLimits | undefined;
  /**
   * How many runs that are over are kept; all by default. Of more, those that ended first are forgotten, a minute after their end at the
   * earliest: the API knows them no more, and their idempotency keys begin new runs. What an active run has started stays as long as that.
   */
  keepRuns?: number | undefined;
  /** What `{{ENV.NAME}}` reads; nothing by default. */
  env?: Readonly<Record<string, string>> | undefined;
  /**
   * What `{{secrets.NAME}}` reads; nothing by default. Arguments of tools alone can have them, since those are not written down; they are struck out
   * of what tools log, and of the errors that they give. What a tool returns is its result, and kept as it is.
   */
  secrets?: Readonly<Record<string, string>> | undefined;
  /**
   * What a template that names nothing does: `strict` fails the task with `TEMPLATE_UNRESOLVED`, `lenient` keeps the
   * text. Default: `strict`.
   */
  templates?: "strict" | "lenient" | undefined;
  /**
   * Milliseconds since the Unix epoch; the system's clock by default. Where it is set back, what has begun to wait goes on by the time that
   * really passes; where it jumps ahead, the engine follows within a minute.
   */
  clock?: (() => number) | undefined;
  /**
   * Keeps what happens, so that runs go on after a restart: `fileStore(folder)` and `sqliteStore(path)` of `highway-wasm/node`,
   * `indexedDbStore(name)` in a browser, `durableObjectStore(ctx.storage)` at the edge. A tool that was running then is run again, as the same attempt with the same idempotency key. Without one, runs
   * live as long as the engine does.
   */
  store?: EngineStore | undefined;
  /**
   * For a host that is stopped while nobody asks it anything, such as a Durable Object: told when the engine has to be there
   * again at the latest, in milliseconds since the Unix epoch. The host then makes one if there is none, and calls
   * {@link LocalEngine.wake}. Each call takes the place of the one before; while tools run it is 30 s ahead. It comes before that
   * on which it depends is kept; when it fails, the engine stands still as it does when its store fails. Timers that are more than
   * 5 s away are left to the host. An engine that has just been made relies on the time that the one before it named; a host that
   * does not keep that calls `wake` at once.
   */
  onWake?: ((at: number) => void | Promise<void>) | undefined;
  /**
   * Reads workflows that are submitted as Python (`python_dsl`): gets the source, and gives the definition that its
   * `get_workflow()` returns. `pythonDsl()` of `highway-wasm/node` does this by running it. Without one, Python is refused.
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
