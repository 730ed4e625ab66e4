/** Where a command works: on a server, or on an engine in this process. */

import { Driver, type StartOptions } from "../driver/driver.js";
import { LIMIT, limitsOf } from "./limits.js";
import { LocalEngine } from "../entries/engine-inline.js";
import { environmentVariable } from "../shared/environment.js";
import { Highway } from "../client/highway.js";
import type { ClientOptions, EngineLike } from "../client/options.js";
import { nodeTools } from "../node/tools.js";
import { plainText } from "../shared/plain.js";
import type { RunHandle } from "../client/run-handle.js";
import { inOptions } from "./advice.js";
import { type Given, SERVER_OPTIONS, textOf } from "./command.js";
import { InputError, UsageError } from "./exit-codes.js";
import { oneLine } from "./output.js";
import { secretsOfEnvironment } from "./secrets.js";
import type { Source } from "./source.js";
import { toolsOf } from "./tools.js";
import { type Wait, type Waits, waitsOf } from "./waits.js";

/** The server that the options name. */
export function serverOf(given: Given): ClientOptions {
  const endpoint = textOf(given, "endpoint") ?? environmentVariable("HIGHWAY_API_ENDPOINT");
  const apiKey = textOf(given, "api-key") ?? environmentVariable("HIGHWAY_API_KEY");
  if (!endpoint) {
    throw new UsageError("no server is named", "pass `--endpoint URL`, or set HIGHWAY_API_ENDPOINT");
  }
  if (!apiKey) {
    throw new UsageError("there is no API key", "set HIGHWAY_API_KEY, or pass `--api-key KEY`");
  }
  return { endpoint, apiKey };
}

/** A client for that server. */
export const highwayOf = (given: Given): Promise<Highway> =>
  inOptions(SERVER_OPTIONS, () => new Highway(serverOf(given)));

/** Where to run. */
export interface Target {
  readonly isLocal: boolean;
  /** What is known about the waits of a run. */
  readonly waits: Waits;
  start(options: Omit<StartOptions, "workflow">): Promise<RunHandle>;
  close(): Promise<void>;
}

/**
 * The server that the options name. Without one, or with `--local`, an engine in this process: that of the driver, or a
 * new one.
 */
export async function targetOf(given: Given, source: Source): Promise<Target> {
  const isNamed = given["endpoint"] !== undefined;
  if (given["local"] && isNamed) throw new UsageError("`--local` and `--endpoint` exclude each other");
  const hasServer = isNamed || environmentVariable("HIGHWAY_API_ENDPOINT") !== undefined;
  const limits = limitsOf(given);
  if (isNamed || (hasServer && !given["local"] && source.driver === undefined)) {
    for (const option of ["tools", "limit"].filter((name) => given[name]))
      throw new UsageError(`\`--${option}\` needs an engine in this process`, "pass `--local`");
    const server = serverOf(given);
    const driver = await inOptions(SERVER_OPTIONS, () => new Driver(server));
    return started(driver, source, waitsIn(new Highway(server), source, answerThere));
  }
  const tools = await toolsOf(given);
  if (source.driver === undefined) {
    const options = { tools: { ...nodeTools(), ...tools }, secrets: secretsOfEnvironment(), limits };
    const engine = await inOptions({ limit: LIMIT }, () => new LocalEngine(options));
    const help = (wait: Wait): string | undefined => answerHere(wait, source, Object.keys(tools).length > 0);
    return started(new Driver({ engine }), source, waitsIn(new Highway({ engine }), source, help), engine);
  }
  if (limits) {
    const help = "give them to its engine: `new LocalEngine({ limits })`";
    throw new UsageError("`--limit` does not change the engine that the driver was made with", help);
  }
  const { driver } = source;
  const engine = driver.engine as EngineLike & Partial<LocalEngine>;
  for (const [name, tool] of Object.entries(tools)) {
    if (!engine.tool) throw new UsageError("the engine of the driver takes no further tools");
    engine.tool(name, tool);
  }
  return {
    isLocal: true,
    // The module itself may answer.
    waits: waitsIn(new Highway({ engine }), source, () => undefined),
    start: (options) => driver.start(options),
    close: async () => await source.close?.(),
  };
}

const waitsIn = (highway: Highway, source: Source, help: Waits["help"]): Waits => {
  let definition: object | undefined;
  return {
    find: (status) => {
      definition ??= source.document();
      return waitsOf(highway, status, definition);
    },
    help,
  };
};

/** How to answer a wait on a server. */
export function answerThere({ kind, name }: Wait, runId = "RUN"): string | undefined {
  if (kind === "approval") return `answer it: \`highway-wasm approve ${oneLine(name)}\`, or \`reject\``;
  return kind === "event" ? `send it: \`highway-wasm signal ${oneLine(runId)} ${oneLine(name)}\`` : undefined;
}

/** Why a wait in this process may never end, unless the workflow or a tool of the user answers it. */
function answerHere({ kind, name }: Wait, source: Source, hasTools: boolean): string | undefined {
  const nobody = "nobody can answer a run of this process: start `highway-wasm serve` and run it there";
  if (kind === "approval")
    return `${nobody}, or try \`highway-wasm simulate FILE --approve ${oneLine(name)}\``;
  const mayEmit =
    hasTools || /"operator_type":\s*"(emit_event|execute_workflow)"/.test(plainText(source.document()));
  if (mayEmit) return undefined;
  return kind === "event"
    ? `${nobody}, or try \`highway-wasm simulate FILE --signal ${oneLine(name)}\``
    : nobody;
}

function started(driver: Driver, source: Source, waits: Waits, engine?: LocalEngine): Target {
  return {
    isLocal: engine !== undefined,
    waits,
    async start(options) {
      const workflow = source.document();
      // The driver uploads to the server that it was created for.
      if (plainText(workflow).includes("_artifact_id") && !("_artifact_id" in Object(options.inputs))) {
        throw new InputError(
          "a driver with durable functions cannot be run from here: they are uploaded by the driver itself",
          "make the driver with an engine (`new Driver({ engine })`), or call `driver.run()` in a program of your own",
          undefined,
          "NOT_SUPPORTED",
        );
      }
      return await driver.start({ ...options, workflow });
    },
    async close() {
      await engine?.close();
      await source.close?.();
    },
  };
}
