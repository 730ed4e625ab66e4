// Types of runs, errors, the engine and its tools.
import {
  AbortedError,
  type ApiError,
  type CallOptions,
  ConfigurationError,
  Driver,
  type ExecutionError,
  HighwayError,
  type HighwayErrorCode,
  init,
  isHighwayError,
  type isReady,
  type LogEntry,
  type RunHandle,
  type RunOptions,
  type RunResult,
  type RunState,
  RunStatus,
  type StartOptions,
  SubmissionError,
  type TaskResult,
  type TaskState,
  type WaitOptions,
} from "highway-wasm";
import {
  type Heartbeat,
  LocalEngine,
  type LocalEngineOptions,
  type Tool,
  type ToolContext,
  ToolError,
} from "highway-wasm/engine";
import { type NodeToolsOptions, nodeTools } from "highway-wasm/node";
import { init as initSlim } from "highway-wasm/slim";
import { Driver as WebDriver, init as initWeb } from "highway-wasm/web";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_: Same<A, B>): void => {};

const driver = new Driver();
const { signal } = new AbortController();

export async function runs(): Promise<void> {
  const options: RunOptions = { inputs: { k: 1 }, timeout: 5, workflowId: "w", wait: true, signal };
  const result: RunResult = await driver.run({
    ...options,
    onProgress: (status) => same<typeof status, RunStatus>(true),
  });
  await driver.run();
  // @ts-expect-error Python's spelling
  await driver.run({ workflow_id: "w" });
  // @ts-expect-error a controller is no signal
  await driver.run({ signal: new AbortController() });
  // @ts-expect-error inputs have names
  await driver.run({ inputs: 5 });
  const start: StartOptions = { workflowId: "w" };
  const handle: RunHandle = await driver.start(start);
  // @ts-expect-error start does not wait
  await driver.start({ wait: false });

  same<typeof result.state, RunState>(true);
  same<typeof result.error, ExecutionError | null>(true);
  same<typeof result.startedAt, Date | null>(true);
  same<typeof result.workflowId, string | null>(true);
  same<typeof result.progress.percent, number | null>(true);
  const task: TaskResult | undefined = result.tasks["a"];
  // @ts-expect-error it may be missing
  result.tasks["a"].stdout;
  same<NonNullable<typeof task>["state"], TaskState>(true);
  same<NonNullable<typeof task>["stdout"], string | null>(true);
  same<NonNullable<typeof task>["returncode"], number | null>(true);
  // @ts-expect-error what a task gives must be looked at first
  task?.result.stdout;
  // @ts-expect-error no such state
  if (result.state === "done") throw new Error();
  // @ts-expect-error "skipped" is a state of tasks only
  if (result.state === "skipped") throw new Error();
  // @ts-expect-error a result is not to be changed
  result.state = "failed";
  if (result.error) throw result.error;

  const wait: WaitOptions = { timeout: "PT1M", signal, onProgress: undefined };
  same<Awaited<ReturnType<typeof handle.result>>, RunResult>(true);
  await handle.result(wait);
  const call: CallOptions = { signal };
  const status = await handle.status(call);
  same<typeof status, RunStatus>(true);
  const cancelled: boolean = await handle.cancel("why", { signal });
  const logs: LogEntry[] = await handle.logs();
  const steps: Readonly<Record<string, TaskResult>> = await handle.steps();
  await driver.cancel(handle.runId);
  await driver.logs(handle.runId, call);
  same<ReturnType<typeof driver.handle>, RunHandle>(true);
  // @ts-expect-error a run has an id
  await driver.status();
  // @ts-expect-error the id cannot be set
  handle.runId = "other";
  console.log(
    cancelled,
    logs[0]?.content,
    steps,
    status.isTerminal,
    result.isSuccess,
    result.allTasksSucceeded,
  );
}

export function errors(error: unknown): string {
  if (isHighwayError(error)) same<typeof error, HighwayError>(true);
  if (isHighwayError(error, "ABORTED")) return error.code;
  // @ts-expect-error no such code
  if (isHighwayError(error, "NO_SUCH_CODE")) return "";
  if (error instanceof SubmissionError) {
    same<typeof error.existingRunId, string | undefined>(true);
    const asApi: ApiError = error;
    same<typeof asApi.retryAfter, number | undefined>(true);
    return String(asApi.status ?? asApi.requestId);
  }
  if (error instanceof ConfigurationError || error instanceof AbortedError)
    return error.help ?? error.path ?? "";
  const code: HighwayErrorCode = "API_NOT_FOUND";
  // @ts-expect-error an unknown value has no message
  return error.message ?? code;
}

const double: Tool = ({ args, kwargs }, context) => {
  same<typeof context, ToolContext>(true);
  same<typeof context.deadline, Date | null>(true);
  context.signal.throwIfAborted();
  context.onRunEnd(async () => {});
  context.onRunEnd(() => {});
  // @ts-expect-error what a task passes must be looked at first
  Number(kwargs["n"].length);
  // @ts-expect-error arguments are not to be changed
  kwargs["n"] = 1;
  if (args.length > 0)
    throw new ToolError("no", { code: "MINE", help: "h", retryable: false, result: 1, cause: 2 });
  return { n: Number(kwargs["n"]) * 2 };
};

const telling: Tool = ({ args, kwargs, signal, attempt, idempotencyKey, log, heartbeat, lastHeartbeat }) => {
  same<typeof signal, AbortSignal>(true);
  same<typeof lastHeartbeat, Heartbeat | null>(true);
  log(`${args.length} ${Object.keys(kwargs).length} ${idempotencyKey}`, attempt > 1 ? "warn" : "info");
  // @ts-expect-error no such level
  log("x", "loud");
  heartbeat({ row: 1 });
  if (lastHeartbeat === null) throw new ToolError("busy", { retryAfter: 1 });
};
export const told = new LocalEngine().tool("telling", telling).tool("double", double);

export async function engines(): Promise<void> {
  const options: LocalEngineOptions = {
    tools: { double, later: async () => null, ...nodeTools({ python: "python3", cwd: undefined }) },
    concurrency: 2,
    env: { STAGE: "test" },
    templates: "lenient",
    clock: Date.now,
  };
  const engine = new LocalEngine(options);
  const response: Response = await engine.fetch(new Request("http://engine/ping"));
  const tools: NodeToolsOptions = { env: { ...process.env }, shell: "/bin/bash" };
  nodeTools(tools);
  // @ts-expect-error no such way
  new LocalEngine({ templates: "loose" });
  // @ts-expect-error a tool is a function
  new LocalEngine({ tools: { a: 1 } });
  // @ts-expect-error no such option
  nodeTools({ pyhton: "x" });
  const closed: Promise<void> = engine.close();
  await closed;
  console.log(response.status);
}

export async function loading(module: WebAssembly.Module, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  await init();
  await initWeb(new URL("https://h.example/core.wasm"));
  await initSlim(module);
  await initSlim(bytes);
  await initSlim(fetch("https://h.example/core.wasm"));
  // @ts-expect-error null is no source
  await initSlim(null);
  same<ReturnType<typeof isReady>, boolean>(true);
  // The entries give out one and the same class.
  const driverOfWeb: Driver = new WebDriver();
  console.log(driverOfWeb);
}

new HighwayError({ code: "MINE", message: "m", details: { n: 1 } });
// @ts-expect-error only what the client reports makes a status
new RunStatus();
