/** Options of a proxy: the key that it keeps, and the requests that it passes on. */

/**
 * What a page may do with the runs of a workflow.
 *
 * | verb | allows |
 * | --- | --- |
 * | `submit` | starting a run |
 * | `status` | reading a run, also its changes as a stream |
 * | `steps`, `logs`, `events`, `graph`, `query` | reading more of a run |
 * | `cancel`, `retry`, `signal`, `update` | doing that to a run |
 * | `approve` | reading, approving and rejecting the approvals of a run |
 * | `list` | finding runs in the list of runs, which does not reveal their number |
 */
export type ProxyVerb =
  | "submit"
  | "status"
  | "steps"
  | "logs"
  | "events"
  | "graph"
  | "query"
  | "cancel"
  | "retry"
  | "signal"
  | "update"
  | "approve"
  | "list";

/** A schema of any library that follows the Standard Schema specification: Zod, Valibot, ArkType and others. */
export interface StandardSchema<Output = unknown> {
  readonly "~standard": {
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>;
  };
}

/** The outcome of a schema for a value. */
export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | {
      readonly issues: readonly {
        readonly message: string;
        readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
      }[];
    };

/** A workflow that pages may use. */
export interface AllowedWorkflow {
  /** What pages may do with its runs. */
  verbs: readonly ProxyVerb[];
  /**
   * The definition to run when a page submits this workflow: a `Workflow`, the definition of `driver.build()`, or plain
   * data. The page's own definition is compared with it and never used. `any` runs whatever a page sends under this
   * name, which is as much as giving away the key: use it only for pages that nobody else can open. Required for
   * `submit`.
   */
  workflow?: object | "any" | undefined;
  /**
   * The schema of the run inputs. Its output is what runs. Without a schema, all inputs are accepted except those that
   * the definition sets. In both cases, names of the engine (`inputs`, `secrets`, `ENV`, `run`, …) and of the
   * definition's tasks and results are refused.
   */
  inputs?: StandardSchema<Record<string, unknown>> | undefined;
}

/** What a request wants to do. It is a copy: changes to it have no effect. */
export interface ProxyAction {
  readonly verb: ProxyVerb;
  /** Name of the workflow; null for `list`, which covers all workflows with that verb. */
  readonly workflow: string | null;
  /** The id of the run; null for `submit` and `list`. */
  readonly runId: string | null;
  /** The inputs of the run for `submit`; null otherwise. */
  readonly inputs: Readonly<Record<string, unknown>> | null;
  /**
   * The data of a request that changes a run, such as the name of a signal or the comment of an approval; null
   * otherwise.
   */
  readonly body: Readonly<Record<string, unknown>> | null;
}

/** Options of {@link createProxy}. */
export interface ProxyOptions<Context extends readonly unknown[] = readonly unknown[]> {
  /**
   * The key or token to add to requests. A function is called for each request, with the arguments that the handler got
   * after the request: in Workers `(env) => env.HIGHWAY_API_KEY`. The key is removed from every answer of the server,
   * unless it has fewer than 8 characters: such a common word protects nothing.
   */
  apiKey: string | ((...context: Context) => string | Promise<string>);
  /**
   * Origin of the Highway server, or another URL without user name and query. Default: the environment variable
   * `HIGHWAY_API_ENDPOINT`, otherwise `https://highway.solutions`.
   */
  endpoint?: string | URL | undefined;
  /** The workflows that pages may use, by name. */
  allow: Readonly<Record<string, AllowedWorkflow>>;
  /**
   * Origins of other pages that may use the proxy, or `*` for all. Pages of the proxy's own origin always may. With
   * `*`, `authorize` cannot rely on cookies, because any page can make a visitor's browser send them.
   */
  origins?: readonly string[] | "*" | undefined;
  /**
   * Decides who may do what, after all other checks have passed. `true` and `undefined` allow the request. A
   * `Response`, which must be a new one each time, is sent as the answer. Anything else refuses with 403. Use it for
   * sessions, accounts and quotas. The body of the request has already been read and is in the action.
   */
  authorize?:
    | ((
        request: Request,
        action: ProxyAction,
        ...context: Context
      ) => boolean | Response | undefined | Promise<boolean | Response | undefined>)
    | undefined;
  /** The largest body of a request, in bytes; default: 1 MiB. */
  maxBodySize?: number | undefined;
  /**
   * The largest inputs of a run, in bytes of JSON; default: 256 KiB. A definition may repeat them in each of its tasks.
   */
  maxInputsSize?: number | undefined;
  /**
   * The largest answer of the server after decompression, and the largest event of a stream, in bytes; default: 32 MiB.
   */
  maxResponseSize?: number | undefined;
  /**
   * Number of event streams that may be open at the same time; default: 100. A client whose stream is refused requests
   * the status repeatedly instead.
   */
  maxStreams?: number | undefined;
  /** Number of runs, the newest ones, that `list` looks through; default: 2,000. */
  maxListed?: number | undefined;
  /**
   * Time limit of a request to the Highway server, in seconds; default: 30. An update has its own `timeout_seconds` in
   * addition, at most 300. An update that ends with 504 may have taken effect.
   */
  timeout?: number | undefined;
  /** Sends the requests in place of the global `fetch`. */
  fetch?: ((request: Request, init?: RequestInit) => Promise<Response>) | undefined;
}
