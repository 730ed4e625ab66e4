/** Where a command works: on a server, or on an engine in this process. */

import { Driver, type StartOptions } from "../driver.js";
import { LIMIT, limitsOf } from "./limits.js";
import { LocalEngine } from "../entries/engine-inline.js";
import { environmentVariable } from "../environment.js";
import { Highway } from "../highway.js";
import type { ClientOptions, EngineLike } from "../options.js";
import { nodeTools } from "../node/tools.js";
import { plainText } from "../plain.js";
import type { RunHandle } from "../run-handle.js";
import { inOptions } from "./advice.js";
import { type Given, SERVER_OPTIONS, textOf } from "./command.js";
import { InputError, UsageError } from "./exit-codes.js";
import { secretsOfEnvironment } from "./secrets.js";
import type { Source } from "./source.js";
import { toolsOf } from "./tools.js";

/** The server that is named. */
export function serverOf(given: Given): ClientOptions {
  const endpoint = textOf(given, "endpoint") ?? environmentVariable("HIGHWAY_API_ENDPOINT");
  const apiKey = textOf(given, "api-key") ?? environmentVariable("HIGHWAY_API_KEY");
  if (!endpoint) {
    throw new UsageError("it is not said which server", "pass `--endpoint URL`, or set HIGHWAY_API_ENDPOINT");
  }
  if (!apiKey) {
    throw new UsageError("there is no API key", "set HIGHWAY_API_KEY, or pass `--api-key KEY`");
  }
  return { endpoint, apiKey };
}

/** A client of the server that is named. */
export const highwayOf = (given: Given): Promise<Highway> =>
  inOptions(SERVER_OPTIONS, () => new Highway(serverOf(given)));

/** Where to run. */
export interface Target {
  readonly isLocal: boolean;
  start(options: Omit<StartOptions, "workflow">): Promise<RunHandle>;
  close(): Promise<void>;
}

/** The server that is named; where none is, or `--local` says so, an engine: that of the driver, or one of our own. */
export async function targetOf(given: Given, source: Source): Promise<Target> {
  const isNamed = given["endpoint"] !== undefined;
  if (given["local"] && isNamed) throw new UsageError("`--local` and `--endpoint` exclude each other");
  const hasServer = isNamed || environmentVariable("HIGHWAY_API_ENDPOINT") !== undefined;
  const limits = limitsOf(given);
  if (isNamed || (hasServer && !given["local"] && source.driver === undefined)) {
    for (const option of ["tools", "limit"].filter((name) => given[name]))
      throw new UsageError(`\`--${option}\` needs an engine in this process`, "pass `--local`");
    return started(await inOptions(SERVER_OPTIONS, () => new Driver(serverOf(given))), source);
  }
  const tools = await toolsOf(given);
  if (source.driver === undefined) {
    const options = { tools: { ...nodeTools(), ...tools }, secrets: secretsOfEnvironment(), limits };
    const engine = await inOptions({ limit: LIMIT }, () => new LocalEngine(options));
    return started(new Driver({ engine }), source, engine);
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
    start: (options) => driver.start(options),
    close: async () => await source.close?.(),
  };
}

function started(driver: Driver, source: Source, engine?: LocalEngine): Target {
  return {
    isLocal: engine !== undefined,
    async start(options) {
      const workflow = source.document();
      // Uploading is done by the driver itself, to the server it was made for.
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
