// Types of the driver: what compiles, and what must not.
import {
  type BuildOptions,
  Driver,
  type DriverOptions,
  type DurationInput,
  type Fetch,
  type HttpRequest,
  type Page,
  py,
  type ResultRef,
  type RunStatus,
  ref,
  type TaskInfo,
  type TaskKind,
  type TaskOptions,
  TaskRef,
  type WorkflowDefinition,
} from "highway-wasm";
import { LocalEngine } from "highway-wasm/engine";

/** Holds only for equal types. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_: Same<A, B>): void => {};

// Settings.
new Driver();
new Driver({});
const options: DriverOptions = {
  name: "flow",
  apiKey: "k",
  endpoint: new URL("https://h.example"),
  timeout: { minutes: 1 },
  retry: { attempts: 2 },
  dangerouslyAllowBrowser: true,
};
new Driver(options);
new Driver({ retry: false, fetch: globalThis.fetch });
new Driver({ fetch: (request, init) => globalThis.fetch(request, init) });
new Driver({ fetch: async () => new Response() });
new Driver({ engine: new LocalEngine() });
new Driver({ engine: { fetch: async () => new Response() } });
// A variable that may be missing, as environment variables are, under exactOptionalPropertyTypes.
declare const maybe: string | undefined;
new Driver({ apiKey: maybe, endpoint: maybe, name: maybe });
// @ts-expect-error there is no such option
new Driver({ api_key: "k" });
// @ts-expect-error a key is text
new Driver({ apiKey: 5 });
// @ts-expect-error true says nothing about the number of attempts
new Driver({ retry: true });
// @ts-expect-error an engine has a fetch
new Driver({ engine: {} });
// @ts-expect-error a fetch gives a promise of a response
new Driver({ fetch: () => "x" });

// Tasks.
const driver = new Driver();
const a = driver.task("a", { shell: "echo", timeout: 5, retries: 1, retryDelay: "PT1S", backoff: 2 });
same<typeof a, TaskRef>(true);
driver.task("b", { py: "def b(): pass", depends: a, delay: { hours: 1 } });
driver.task("c", { http: { url: "https://h.example", method: "POST", json: { k: [1] } }, depends: [a, "b"] });
driver.task("d", { tool: "tools.x", kwargs: { v: a.result["stdout"] }, depends: null });
driver.task("e", { workflow: "w", inputs: { k: 1 }, schedule: "0 * * * *" });
driver.task("f", { workflowId: "id", description: "text", depends: undefined });
// @ts-expect-error a task needs options
driver.task("g");
// @ts-expect-error a task needs a kind
driver.task("g", { timeout: 5 });
// @ts-expect-error Python's spelling
driver.task("g", { shell: "x", retry_delay: 1 });
// @ts-expect-error retries are a number
driver.task("g", { shell: "x", retries: "1" });
// @ts-expect-error dependencies are names or references
driver.task("g", { shell: "x", depends: [1] });
// @ts-expect-error a request needs a URL
driver.task("g", { http: { method: "GET" } });
// @ts-expect-error a name is text
driver.task(5, { shell: "x" });

driver.shell("h", "x", { depends: ["a"] });
driver.python("i", py`def i(): return ${1}`);
driver.http("j", "https://h.example");
driver.http("k", new URL("https://h.example"));
driver.http("l", {
  url: "https://h.example",
  headers: { Accept: "x" },
  params: { q: 1 },
  body: "text",
  check: false,
});
driver.tool("m", "tools.x");
driver.tool("n", "tools.x", { k: 1 }, { retries: 2 });
driver.workflow("o", { name: "w", inputs: {} });
driver.workflow("p", { id: "w" }, { timeout: 5 });
// @ts-expect-error one of both must be there
driver.workflow("q", {});
// @ts-expect-error headers are text
driver.http("r", { url: "https://h.example", headers: { n: 1 } });
// @ts-expect-error a command is text
driver.shell("s", ["ls", "-l"]);

const kind: TaskKind = { shell: "x" };
const more: TaskOptions = { depends: ["a"] as const };
const request: HttpRequest = { url: "https://h.example", anything: 1 };
driver.task("t", { ...kind, ...more });
driver.http("u", request);

// Durations.
const durations: DurationInput[] = [
  1,
  "PT1S",
  { days: 1, hours: 2, minutes: 3, seconds: 4, milliseconds: 5 },
];
durations.push({ toJSON: () => "PT1S" });
// @ts-expect-error a unit that is none
durations.push({ hour: 1 });
// @ts-expect-error a switch is no duration
durations.push(true);

// References.
const whole: ResultRef = a.result;
const template: string = `${whole} ${a.result["stdout"]} ${ref("x").result["items"]?.[0]?.["id"]}`;
const documented: string = `${a.result.stdout} ${ref("x").result.response["items"]}`;
const name: string = a.name + documented;
// @ts-expect-error a reference is not text
const wrong: string = a.result["stdout"];
// @ts-expect-error a name cannot be set
a.name = "other";
new TaskRef("x");

// What comes out.
const definition: WorkflowDefinition = driver.build({ inputs: { k: 1 }, timeout: 5 });
const build: BuildOptions = { inputs: undefined, timeout: undefined };
driver.build(build);
const task = definition.tasks["a"];
// @ts-expect-error it may be missing
task.task_id;
if (task?.operator_type === "task") {
  const { function: tool, retry_policy } = task;
  same<typeof tool, string>(true);
  same<NonNullable<typeof retry_policy>["max_attempts"], number>(true);
  // @ts-expect-error only a wait has it
  task.wait_for;
} else if (task?.operator_type === "wait") {
  same<typeof task.wait_for, string>(true);
}
// @ts-expect-error a definition is not to be changed
definition.name = "other";
const info: TaskInfo | undefined = driver.tasks["a"];
same<
  NonNullable<typeof info>["type"],
  | "shell"
  | "py"
  | "http"
  | "tool"
  | "workflow"
  | "durable"
  | "foreach"
  | "while"
  | "emit"
  | "wait_for"
  | "parallel"
>(true);
if (task?.operator_type === "foreach") same<typeof task.items, string>(true);
driver.foreach("each", { items: a.result["items"] as ResultRef, py: "def each(): pass", depends: [a] });
driver.whileLoop("spin", { condition: "{{n}} < 3", py: "def spin(): pass", durable: false });
driver.emit("tell", { event: "done", payload: { k: 1 } });
driver.waitFor("hear", { event: "done", timeout: { minutes: 1 } });
driver.parallel("both", { branches: [a, "b"] });
driver.parallel("two", { branches: { left: ["c"], right: [ref("d")] }, timeout: "PT1M" });
driver.task("durable", { durable: "def f(ctx): pass", funcArgs: [1] });
driver.task("packaged", { durable: true, package: "./p", entrypoint: "main:run" });
// @ts-expect-error a package needs an entry point
driver.task("half", { durable: true, package: "./p" });
// @ts-expect-error a loop needs its body
driver.foreach("none", { items: "x" });
for (const finding of driver.validate()) {
  same<typeof finding.severity, "error" | "warning" | "info">(true);
  // @ts-expect-error no such code
  if (finding.code === "NO_SUCH_CODE") throw new Error();
  if (finding.code === "DEPENDENCY_CYCLE") throw new Error(finding.message);
}
const page: Promise<Page<RunStatus>> = driver.list({ status: "running", pageSize: 5 }).page(2);
const everything: AsyncIterable<RunStatus> = driver.list();
// @ts-expect-error a page is asked for by its number
driver.list({ page: 2 });
// @ts-expect-error no state of a run
driver.list({ status: "done" });
const fetchLike: Fetch = async (input, init) =>
  new Response(input.url, { status: init?.signal?.aborted ? 500 : 200 });

export { everything, fetchLike, name, page, template, wrong };
