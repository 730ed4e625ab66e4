/** The client for the whole Highway API. */

import { Artifacts } from "./api/artifacts.js";
import { Definitions, Dsl, Schemas } from "./api/definitions.js";
import { ApiKeys, Tokens } from "./api/keys.js";
import type {
  AnyRequestOptions,
  OperationData,
  OperationMethod,
  OperationPath,
  Operations,
  RequestOptions,
} from "./api/operations.js";
import { Activities, Runs, Tasks } from "./api/queue.js";
import { Schedules } from "./api/schedules.js";
import { Logs, Steps } from "./api/steps.js";
import { CircuitBreakers, Monitoring, System } from "./api/system.js";
import { Approvals, Signals, Updates } from "./api/talk.js";
import { Workflows } from "./api/workflows.js";
import { Client, type RateLimit } from "./client.js";
import type { ClientOptions } from "./options.js";
import { checkOptions, invalid } from "../shared/options.js";
import { isObject } from "../shared/plain.js";
import { RunHandle } from "./run-handle.js";

/** Options of a {@link Highway} client. */
export type HighwayOptions = ClientOptions;

/** The HTTP methods of the API. */
const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
const REQUEST_OPTIONS = ["params", "query", "body", "headers", "expects", "repeatable", "signal", "timeout"];

/**
 * A client for the whole Highway API, including what a {@link Driver} does not need.
 *
 * Each part of the API is a property. An operation without a method of its own is reached through {@link
 * Highway.request}. All calls take a `signal` and a `timeout`, and repeat failed requests by the same policy, if they
 * are safe to repeat.
 *
 * @example
 * ```js
 * import { Highway } from "highway-wasm";
 * import { LocalEngine } from "highway-wasm/engine";
 *
 * const engine = new LocalEngine();
 * const highway = new Highway({ engine });
 * console.log((await highway.system.health()).status); // healthy
 * console.log(await highway.workflows.list().toArray()); // []
 * await engine.close();
 * ```
 */
export class Highway {
  readonly #client: Client;

  /** Workflows and their runs. */
  readonly workflows: Workflows;
  /** Runs of the queue engine. */
  readonly runs: Runs;
  /** Steps of runs. */
  readonly steps: Steps;
  /** Logs of runs, tasks and activities. */
  readonly logs: Logs;
  /** Signals to runs. */
  readonly signals: Signals;
  /** Updates of runs: messages that the workflow answers. */
  readonly updates: Updates;
  /** Tasks that wait for the approval of a person. */
  readonly approvals: Approvals;
  /** Schedules, which start workflows at regular times. */
  readonly schedules: Schedules;
  /** Archives of code that tasks run from. */
  readonly artifacts: Artifacts;
  /** Definitions that the server keeps. */
  readonly definitions: Definitions;
  /** Schemas of workflow inputs. */
  readonly schemas: Schemas;
  /** Workflows written in Python. */
  readonly dsl: Dsl;
  /** Tasks in the queues. */
  readonly tasks: Tasks;
  /** Work that a worker does outside the workflow's own process. */
  readonly activities: Activities;
  /** The present activity of the server. */
  readonly monitoring: Monitoring;
  /** The server's circuit breakers. */
  readonly circuitBreakers: CircuitBreakers;
  /** API keys. */
  readonly apiKeys: ApiKeys;
  /** Tokens of users. */
  readonly tokens: Tokens;
  /** Health and version of the server. */
  readonly system: System;

  /** @throws {ConfigurationError} `OPTION_INVALID`, `ENDPOINT_INVALID`, `API_KEY_EXPOSED`. */
  constructor(options: HighwayOptions = {}) {
    const client = new Client(options, [], "the client");
    this.#client = client;
    this.workflows = new Workflows(client);
    this.runs = new Runs(client);
    this.steps = new Steps(client);
    this.logs = new Logs(client);
    this.signals = new Signals(client);
    this.updates = new Updates(client);
    this.approvals = new Approvals(client);
    this.schedules = new Schedules(client);
    this.artifacts = new Artifacts(client);
    this.definitions = new Definitions(client);
    this.schemas = new Schemas(client);
    this.dsl = new Dsl(client);
    this.tasks = new Tasks(client);
    this.activities = new Activities(client);
    this.monitoring = new Monitoring(client);
    this.circuitBreakers = new CircuitBreakers(client);
    this.apiKeys = new ApiKeys(client);
    this.tokens = new Tokens(client);
    this.system = new System(client);
  }

  /** The server's limit on requests, from its latest answer; null if the server does not send it. */
  get rateLimit(): RateLimit | null {
    return this.#client.rateLimit;
  }

  /** A handle to an existing run. Sends no request. */
  handle(runId: string): RunHandle {
    return new RunHandle(this.#client, runId);
  }

  /**
   * Calls any operation of the API, by its method and its path as the API reference writes them. The types know all 168
   * operations; others are accepted too. Returns the data without its envelope.
   *
   * @throws {ApiError} as every request; {@link ConfigurationError} for a missing parameter of the path.
   *
   * @example
   * ```js
   * import { Highway } from "highway-wasm";
   *
   * const fetch = async ({ method, url }) => Response.json({ success: true, data: `${method} ${url}` });
   * const highway = new Highway({ endpoint: "https://highway.example", apiKey: "key", fetch });
   * const data = await highway.request("GET", "/api/v1/apps/{app_id}/versions", { params: { app_id: "a/b" } });
   * console.log(data); // GET https://highway.example/api/v1/apps/a%2Fb/versions
   * ```
   */
  request<Method extends OperationMethod, Path extends OperationPath<Method>>(
    method: Method,
    path: Path,
    ...options: Record<never, never> extends RequestOptions<Method, Path>
      ? [options?: RequestOptions<Method, Path>]
      : [options: RequestOptions<Method, Path>]
  ): Promise<OperationData<Method, Path>>;
  request<T = unknown, Method extends string = string, Path extends string = string>(
    method: Method,
    path: `${Uppercase<Method>} ${Path}` extends keyof Operations ? never : Path,
    options?: AnyRequestOptions,
  ): Promise<T>;
  async request(method: string, path: string, options: AnyRequestOptions = {}): Promise<unknown> {
    checkOptions(options, REQUEST_OPTIONS, "the request");
    const { signal, timeout, ...args } = options;
    const { body, query, headers, expects = "json" } = args;
    const verb = String(method).toUpperCase();
    if (!METHODS.includes(verb)) throw invalid(`\`${method}\` is not a method of the API`, "/method");
    if (body !== undefined && (verb === "GET" || verb === "HEAD")) {
      throw invalid(`a ${verb} has no body`, "/body", "give it as `query`");
    }
    if (!["json", "text", "bytes"].includes(expects)) {
      throw invalid("`expects` is none of `json`, `text`, `bytes`", "/expects");
    }
    for (const [name, given] of Object.entries({ query, headers })) {
      if (given !== undefined && !isObject(given)) throw invalid(`\`${name}\` is not an object`, `/${name}`);
    }
    if (typeof path !== "string" || !path.startsWith("/")) {
      throw invalid(
        "`path` does not start with `/`",
        "/path",
        "write it as in the API reference: `/api/v1/workers`",
      );
    }
    return await this.#client.call("request", { ...args, method: verb, path }, { signal, timeout });
  }
}
