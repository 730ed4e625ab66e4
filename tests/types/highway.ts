// Types of the API client: what `request()` knows of each operation, what lists give, and what must not compile.
import {
  type ApiKey,
  type CallOptions,
  type CreateSchedule,
  type Definition,
  Driver,
  Highway,
  type HighwayOptions,
  type List,
  type ListRunsOptions,
  type LogEntry,
  type Operation,
  type OperationData,
  type OperationMethod,
  type OperationPath,
  type Operations,
  type Page,
  type PathParams,
  type PythonPackage,
  type RateLimit,
  type RequestOptions,
  type RunHandle,
  type RunStatus,
  type Schedule,
  type ScheduleExecution,
  type Step,
  type SubmitOptions,
  type Token,
  Workflow,
  type WorkflowEvent,
  type WorkflowLog,
} from "highway-wasm";
import { LocalEngine } from "highway-wasm/engine";

/** Holds only for equal types. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_: Same<A, B>): void => {};

// Settings.
const options: HighwayOptions = {
  apiKey: "k",
  endpoint: new URL("https://h.example"),
  retry: { attempts: 2 },
};
const highway = new Highway(options);
new Highway();
new Highway({ engine: new LocalEngine() });
new Highway({ auth: async ({ refresh }) => (refresh ? "new" : "old") });
new Highway({ auth: false });
// @ts-expect-error a client has no name
new Highway({ name: "flow" });
// @ts-expect-error `true` gives no credential
new Highway({ auth: true });
same<typeof highway.rateLimit, RateLimit | null>(true);
// @ts-expect-error it is the server that sets it
highway.rateLimit = null;
// @ts-expect-error parts are not to be replaced
highway.workflows = new Highway().workflows;

// The table.
same<OperationMethod, "GET" | "POST" | "PUT" | "PATCH" | "DELETE">(true);
same<
  OperationPath<"PUT">,
  "/api/v1/workers/{worker_id}/capacity" | "/api/v1/tenant/apps/{installation_id}/secrets/{secret_name}"
>(true);
const known: OperationPath<"GET"> = "/api/v1/workflows/{workflow_run_id}/graph/dot";
// @ts-expect-error it is of another method
const unknown: OperationPath<"POST"> = "/api/v1/workflows/{workflow_run_id}/graph/dot";
const key: keyof Operations = "DELETE /api/v1/users/{email}/roles/{role}";
// @ts-expect-error there is no such operation
const noKey: keyof Operations = "DELETE /api/v1/workflows";
same<PathParams<"/api/v1/version">, { params?: undefined }>(true);
same<keyof PathParams<"/a/{b}/{c_d}">["params"], "b" | "c_d">(true);
same<OperationData<"GET", "/api/v1/schedules/{schedule_id}">, Schedule>(true);
same<OperationData<"GET", "/api/v1/workflows/{workflow_run_id}/events">, unknown>(true);
same<Operation<"POST", "/api/v1/dsl_to_json">["body"], { code: string }>(true);

export async function requests(): Promise<void> {
  // What it gives.
  const health = await highway.request("GET", "/api/v1/health");
  same<typeof health.status, string | undefined>(true);
  const tokens = await highway.request("GET", "/api/v1/admin/tokens", { query: { page: 1, per_page: 5 } });
  same<typeof tokens, { tokens: Token[]; total: number }>(true);
  const step = await highway.request("GET", "/api/v1/workflows/{workflow_run_id}/steps/{step_name}", {
    params: { workflow_run_id: "r", step_name: "s" },
  });
  same<typeof step, Step>(true);
  // What the API does not describe has to be looked at first.
  const workers = await highway.request("GET", "/api/v1/workers");
  same<typeof workers, unknown>(true);
  // @ts-expect-error nobody knows its fields
  console.log(workers.length);

  // Names in the path.
  const params = { schedule_id: "s" };
  const schedule: Schedule = await highway.request("GET", "/api/v1/schedules/{schedule_id}", { params });
  await highway.request("GET", "/api/v1/workflows/{workflow_name}/versions/{version}", {
    params: { workflow_name: "w", version: 3 },
    query: { tenant_id: "t" },
  });
  const wrongParams = {
    // @ts-expect-error a name is missing
    missing: { params: { email: "e" } } satisfies RequestOptions<
      "DELETE",
      "/api/v1/users/{email}/roles/{role}"
    >,
    // @ts-expect-error all of them are
    all: {} satisfies RequestOptions<"GET", "/api/v1/schedules/{schedule_id}">,
    // @ts-expect-error it is called otherwise
    other: { params: { id: "s" } } satisfies RequestOptions<"GET", "/api/v1/schedules/{schedule_id}">,
    // @ts-expect-error a name stands for text or a number
    object: { params: { schedule_id: {} } } satisfies RequestOptions<
      "GET",
      "/api/v1/schedules/{schedule_id}"
    >,
    // @ts-expect-error there is no name in this path
    none: { params: { id: "x" } } satisfies RequestOptions<"GET", "/api/v1/version">,
  };

  // Queries.
  const runs: RequestOptions<"GET", "/api/v1/workflows"> = { query: { status: "running", days: 7 } };
  await highway.request("GET", "/api/v1/workflows", runs);
  await highway.request("GET", "/api/v1/workflows", {});
  const wrongQueries = {
    // @ts-expect-error no state that the list can show
    state: { query: { status: "cancelled" } } satisfies RequestOptions<"GET", "/api/v1/workflows">,
    // @ts-expect-error names are the API's
    name: { query: { pageSize: 5 } } satisfies RequestOptions<"GET", "/api/v1/workflows">,
    // @ts-expect-error a number
    type: { query: { days: "7" } } satisfies RequestOptions<"GET", "/api/v1/workflows">,
    // @ts-expect-error this one takes none
    none: { query: { page: 1 } } satisfies RequestOptions<"GET", "/api/v1/version">,
  };

  // Bodies.
  const verified = await highway.request("POST", "/api/v1/auth/verify", { body: { token: "t" } });
  same<typeof verified.email, string>(true);
  await highway.request("PATCH", "/api/v1/schedules/{schedule_id}", { params, body: { is_active: true } });
  await highway.request("POST", "/api/v1/schedules/scan");
  const wrongBodies = {
    // @ts-expect-error a body is needed
    missing: {} satisfies RequestOptions<"POST", "/api/v1/auth/verify">,
    // @ts-expect-error and has its fields
    fields: { body: { jwt: "t" } } satisfies RequestOptions<"POST", "/api/v1/auth/verify">,
    // @ts-expect-error of their types
    types: { params, body: { is_active: "yes" } } satisfies RequestOptions<
      "PATCH",
      "/api/v1/schedules/{schedule_id}"
    >,
    // @ts-expect-error nothing is sent along with a GET
    get: { body: {} } satisfies RequestOptions<"GET", "/api/v1/version">,
  };

  // What every request may have.
  const { signal } = new AbortController();
  const extras: RequestOptions<"GET", "/ping"> = {
    headers: { "X-A": "b" },
    expects: "text",
    signal,
    timeout: "PT5S",
  };
  await highway.request("GET", "/ping", extras);
  await highway.request("POST", "/api/v1/schedules/scan", { repeatable: true, timeout: undefined });
  const wrongExtras = {
    // @ts-expect-error headers are text
    headers: { headers: { "X-A": 1 } } satisfies RequestOptions<"GET", "/ping">,
    // @ts-expect-error no way to read an answer
    expects: { expects: "xml" } satisfies RequestOptions<"GET", "/ping">,
    // @ts-expect-error no option
    option: { retries: 1 } satisfies RequestOptions<"GET", "/ping">,
  };

  // Other operations, with data as the caller knows it.
  const trace = await highway.request<{ spans: string[] }>("GET", "/api/v1/workflows/r/trace");
  same<typeof trace, { spans: string[] }>(true);
  const other = await highway.request("DELETE", "/api/v1/mcp/servers/{name}", { params: { name: "x" } });
  same<typeof other, unknown>(true);
  // @ts-expect-error no option, whatever the path
  await highway.request("GET", "/api/v1/agents", { retries: 1 });
  // @ts-expect-error a path is text
  await highway.request("GET", new URL("https://h.example/api/v1/agents"));
  console.log(schedule, wrongParams, wrongQueries, wrongBodies, wrongExtras);
}

// An operation that is known is held to what is known of it, although other paths may have anything.
export async function strict(): Promise<void> {
  // @ts-expect-error the path has a name
  await highway.request("GET", "/api/v1/schedules/{schedule_id}");
  // @ts-expect-error its body has other fields
  await highway.request("POST", "/api/v1/auth/verify", { body: { jwt: "t" } });
  // @ts-expect-error its query has other names
  await highway.request("GET", "/api/v1/workflows", { query: { pageSize: 5 } });
}

export async function lists(): Promise<void> {
  const runs: List<RunStatus> = highway.workflows.list({ status: "completed", days: 1, pageSize: 5 });
  for await (const run of runs) same<typeof run, RunStatus>(true);
  const events: WorkflowEvent[] = await highway.workflows.events("r", { limit: 5 });
  const page: Page<RunStatus> = await runs.page(2);
  same<typeof page.total, number | null>(true);
  for await (const { items, number } of runs.pages()) {
    same<typeof items, readonly RunStatus[]>(true);
    same<typeof number, number>(true);
  }
  same<Awaited<ReturnType<typeof runs.toArray>>, RunStatus[]>(true);
  await runs.toArray({ limit: 5 });
  const logs: AsyncIterable<WorkflowLog> = highway.logs.workflows({ since: new Date(), status: "failure" });
  const keys: AsyncIterable<ApiKey> = highway.apiKeys.list({ includeInactive: true });
  const history: AsyncIterable<ScheduleExecution> = highway.schedules.history("s");
  const filter: ListRunsOptions = { pageSize: undefined, days: undefined, status: undefined };
  for await (const item of new Driver().list(filter)) same<typeof item, RunStatus>(true);
  // @ts-expect-error a list that comes as a whole is a promise
  for await (const item of highway.schedules.list()) console.log(item);
  // @ts-expect-error a list in pages is none
  (await highway.tasks.list()).length;
  // @ts-expect-error no number of items
  await runs.toArray(5);
  // @ts-expect-error a state of the queue
  highway.tasks.list({ state: "done" });
  // @ts-expect-error what came is not to be changed
  page.items[0] = page.items[1];
  console.log(events, logs, keys, history);
}

export async function parts(handle: RunHandle): Promise<void> {
  // Submitting.
  const workflow = Workflow.fromJSON("{}");
  const submit: SubmitOptions = { workflow, inputs: { a: 1 }, idempotencyKey: "k" };
  same<Awaited<ReturnType<typeof highway.workflows.submit>>, RunHandle>(true);
  await highway.workflows.submit(submit);
  await highway.workflows.submit({ pythonDsl: "x", timeout: 5 });
  const submission = await highway.workflows.register({ workflow: new Driver().build() });
  same<typeof submission.definition_hash, string | undefined>(true);
  // @ts-expect-error one of both
  await highway.workflows.submit({ inputs: {} });
  // @ts-expect-error not both
  await highway.workflows.submit({ workflow, pythonDsl: "x" });
  // @ts-expect-error a registration has no inputs
  await highway.workflows.register({ workflow, inputs: {} });
  const retried: RunHandle = await highway.workflows.retry("r");

  // Runs.
  for await (const status of handle.watch({ timeout: "PT1M" })) {
    same<typeof status, RunStatus>(true);
    // @ts-expect-error a result comes with `result()`
    console.log(status.tasks);
  }
  // @ts-expect-error a callback is for `result()`
  handle.watch({ onProgress: () => {} });
  const answer = await handle.update<{ ok: boolean }>("u", [1], { timeout: { seconds: 5 } });
  same<typeof answer, { ok: boolean }>(true);
  same<Awaited<ReturnType<typeof handle.query>>, unknown>(true);
  const value: number = await handle.query<number>("n");
  same<Awaited<ReturnType<typeof highway.signals.send>>, void>(true);
  await highway.signals.send("r", "go", { any: "thing" });
  const logs: LogEntry[] = await highway.steps.logs("r");
  // @ts-expect-error a signal has a name
  await handle.signal();

  // The rest.
  const call: CallOptions = { signal: new AbortController().signal, timeout: 5 };
  const definition: Definition = await highway.definitions.byHash("h", call);
  const source: string | null = await highway.definitions.pythonSource("d");
  const schedule: CreateSchedule = { workflowName: "w", cron: "0 9 * * 1", inputs: {}, timezone: "UTC" };
  await highway.schedules.create(schedule);
  // @ts-expect-error a schedule needs its cron text
  await highway.schedules.create({ workflowName: "w" });
  await highway.approvals.approve("k", { comment: "fine" });
  // @ts-expect-error Python's spelling
  await highway.approvals.list({ workflow_run_id: "r" });
  const bytes: Uint8Array = await highway.artifacts.download("a");
  const id: string = await highway.artifacts.upload(bytes, { filename: "a.zip" });
  await highway.artifacts.upload(new Blob([]));
  await highway.artifacts.upload(new ArrayBuffer(1), call);
  // @ts-expect-error an archive is no text
  await highway.artifacts.upload("PK");
  const created = await highway.apiKeys.create("ci", { expiresAt: new Date(), permissions: ["p"] as const });
  same<typeof created.api_key, string>(true);
  // @ts-expect-error fields of the API may be missing
  created.expires_at.length;
  // @ts-expect-error and are not to be changed
  created.api_key = "x";
  const files: PythonPackage = { name: "orders", files: { "main.py": "def run(ctx): ..." } };
  new Driver().task("t", { durable: true, package: files, entrypoint: "main:run" });
  // @ts-expect-error files are text
  new Driver().task("t", { durable: true, package: { name: "o", files: { a: 1 } }, entrypoint: "main:run" });
  console.log(retried, value, logs, definition, source, id);
}

export { key, known, noKey, unknown };
