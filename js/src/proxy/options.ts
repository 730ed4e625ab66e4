/** What a proxy is told: the key it keeps, and what it lets pass. */

/**
 * What a page may do with the runs of a workflow.
 *
 * | verb | lets pass |
 * | --- | --- |
 * | `submit` | starting a run |
 * | `status` | reading a run, its changes as a stream too |
 * | `steps`, `logs`, `events`, `graph`, `query` | reading more of it |
 * | `cancel`, `retry`, `signal`, `update` | doing that to it |
 * | `approve` | reading, approving and rejecting its approvals |
 * | `list` | finding it in the list of runs; how many runs there are is not told |
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

/** What a schema says of a value. */
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
  /** What may be done with it. */
  verbs: readonly ProxyVerb[];
  /**
   * The definition that runs when a page submits one of this name: a `Workflow`, what `driver.build()` gives, or plain data. The
   * page's own is compared with it, and never used. `any` runs whatever a page sends under the name, which is as much as
   * handing out the key: only for pages that nobody else can open. Needed for `submit`.
   */
  workflow?: object | "any" | undefined;
  /**
   * What the run inputs have to be; what the schema makes of them is what runs. Without one all inputs pass, but for those
   * that the definition sets itself. Names of the engine (`inputs`, `secrets`, `ENV`, `run`, …) and those of the definition's tasks
   * and their results are refused with or without one.
   */
  inputs?: StandardSchema<Record<string, unknown>> | undefined;
}

/** What a request wants to do; a copy, of which nothing is used. */
export interface ProxyAction {
  readonly verb: ProxyVerb;
  /** Name of the workflow; null for `list`, which is about all that have the verb. */
  readonly workflow: string | null;
  /** The run it is about; null for `submit` and `list`. */
  readonly runId: string | null;
  /** The inputs, for `submit`, as they will run. */
  readonly inputs: Readonly<Record<string, unknown>> | null;
  /** What is sent along, for what does something to a run: the name of a signal, the comment of an approval. Null otherwise. */
  readonly body: Readonly<Record<string, unknown>> | null;
}

/** How a proxy works. */
export interface ProxyOptions<Context extends readonly unknown[] = readonly unknown[]> {
  /**
   * The key or token that is added to requests. A function is called for each request with what the handler was called with
   * besides the request: in Workers `(env) => env.HIGHWAY_API_KEY`. It is struck from every answer of the server, unless it
   * is shorter than 8 characters: such a word guards nothing, and would be found in many places.
   */
  apiKey: string | ((...context: Context) => string | Promise<string>);
  /**
   * Origin of the Highway server, or another address without user name and query. Default: `HIGHWAY_API_ENDPOINT`, else
   * `https://highway.solutions`.
   */
  endpoint?: string | URL | undefined;
  /** The workflows that pages may use, by their names. */
  allow: Readonly<Record<string, AllowedWorkflow>>;
  /**
   * Origins of pages elsewhere that may use the proxy, or `*` for all. Pages of the proxy's own origin always may. With `*`
   * cookies prove nothing to `authorize`: any page can have a visitor's browser send them along.
   */
  origins?: readonly string[] | "*" | undefined;
  /**
   * Decides who may do what, after everything else has been found in order. Only `true` and `undefined` let pass; a `Response`,
   * a new one each time, is sent as it is; anything else refuses with 403. Sessions, accounts and limits belong here. The body
   * of the request has been read by then, and is in the action.
   */
  authorize?:
    | ((
        request: Request,
        action: ProxyAction,
        ...context: Context
      ) => boolean | Response | undefined | Promise<boolean | Response | undefined>)
    | undefined;
  /** Bytes of a request's body; 1 MiB by default. */
  maxBodySize?: number | undefined;
  /** Bytes of the inputs of a run, as JSON; 256 KiB by default. A definition may repeat them in each of its tasks. */
  maxInputsSize?: number | undefined;
  /** Bytes of an answer of the server, unpacked, or of one event of a stream; 32 MiB by default. */
  maxResponseSize?: number | undefined;
  /** Streams of events that may be open at once; 100 by default. Clients whose stream is refused ask again and again instead. */
  maxStreams?: number | undefined;
  /** Runs of the server, the newest ones, among which `list` looks for those that it may show; 2,000 by default. */
  maxListed?: number | undefined;
  /**
   * Seconds that the Highway server may take for an answer; 30 by default. Updates have the time that they ask for besides, up
   * to 5 minutes; one that is cut then with 504 may have happened all the same.
   */
  timeout?: number | undefined;
  /** Sends the requests instead of the global `fetch`. */
  fetch?: ((request: Request, init?: RequestInit) => Promise<Response>) | undefined;
}
