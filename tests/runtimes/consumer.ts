// A program of a user, strict: what the documentation shows, with the types a user would write. Compiled only.
import {
  ApiError,
  type Diagnostic,
  Driver,
  type DriverOptions,
  ExecutionError,
  type Fetch,
  type HighwayErrorCode,
  init,
  isHighwayError,
  isReady,
  py,
  ref,
  type RunHandle,
  type RunResult,
  type RunState,
  type TaskRef,
  type WorkflowDefinition,
} from "highway-wasm";
import { LocalEngine, type Tool, ToolError, type Tools } from "highway-wasm/engine";
import { nodeTools } from "highway-wasm/node";

const add: Tool = async ({ kwargs }, { signal, attempt }) => {
  if (signal.aborted) throw new ToolError("too late", { retryable: attempt < 3 });
  return { sum: Number(kwargs["a"]) + Number(kwargs["b"]) };
};
const tools: Tools = { ...nodeTools({ python: "python3" }), "math.add": add };
const engine: LocalEngine = new LocalEngine({ tools, concurrency: 4 });

const send: Fetch = (request, init) => engine.fetch(request, init);
const options: DriverOptions = { name: "typed", endpoint: "http://engine", fetch: send, apiKey: "local" };
const driver = new Driver(options);
const first: TaskRef = driver.tool(
  "first",
  "math.add",
  { a: 1, b: 2 },
  { retries: 1, timeout: { seconds: 5 } },
);
driver.python("second", py`def second(): return ${first.result["sum"]}`, { depends: [first, ref("other")] });
driver.http("third", { url: "https://example.com", headers: { accept: "text/plain" } }, { depends: "first" });
driver.task("fourth", { shell: "echo", schedule: "PT1H" });

export async function main(stop: AbortSignal): Promise<RunState | undefined> {
  await init();
  const definition: WorkflowDefinition = driver.build({ inputs: { n: 1 }, timeout: "PT1M" });
  const findings: Diagnostic[] = driver.validate();
  try {
    const handle: RunHandle = await driver.start({ inputs: { n: 1 }, signal: stop });
    const result: RunResult = await handle.result({ timeout: 5, onProgress: ({ state }) => void state });
    const started: Date | null = result.startedAt;
    const sum: unknown = result.tasks["first"]?.result;
    if (result.error instanceof ExecutionError) throw result.error;
    return isReady() && started && sum ? result.state : undefined;
  } catch (error: unknown) {
    if (error instanceof ApiError && error.status === 404) return undefined;
    const code: HighwayErrorCode = "API_UNAUTHORIZED";
    if (isHighwayError(error, code)) throw new Error(`${error.help} ${definition.name} ${findings.length}`);
    throw error;
  } finally {
    await engine.close();
  }
}
