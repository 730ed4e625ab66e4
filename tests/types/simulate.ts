// Types of simulations and of the engine for tests, and what must not compile.
import { Driver, WorkflowBuilder } from "highway-wasm";
import {
  type Mocks,
  type Simulation,
  simulate,
  type TimelineEntry,
  type TimelineKind,
} from "highway-wasm/engine";
import { ExpectationError, TestEngine, type TestState } from "highway-wasm/testing";

const tools: Mocks = {
  value: { stdout: "" },
  failure: new Error("busy"),
  later: { result: 1, delay: "PT2S" },
  several: [new Error("busy"), 1, null],
  decided: ({ args, kwargs }, { now, attempt }) => (attempt > 1 ? [args, kwargs] : { at: now }),
  asynchronous: async (call) => call.kwargs,
};

export async function main(): Promise<TimelineKind | undefined> {
  const workflow = new WorkflowBuilder("typed").task("one", "tools.shell.run").build();
  const simulation: Simulation = await simulate(workflow, {
    tools,
    at: new Date(),
    inputs: { day: 1 },
    signals: [{ name: "go", payload: {}, at: "PT1H" }],
    approvals: { boss: { approved: true, after: { days: 1 } }, other: false },
    for: 3600,
  });
  const [first]: readonly TimelineEntry[] = simulation.criticalPath;
  const end: Date | null | undefined = first?.end;
  // @ts-expect-error
  simulation.status = "completed";
  // @ts-expect-error
  await simulate(workflow, { tool: {} });
  // @ts-expect-error
  await simulate(3);

  const engine = new TestEngine({ tools, unmocked: "fail" });
  engine.mock("decided", (call) => call.args).mock("several", new Error("busy"), 2);
  const driver = new Driver({ engine });
  const handle = await driver.start();
  await engine.runUntil(({ now, step }: TestState) => step("one")?.status === "running" && now > new Date());
  await engine.advance({ hours: 1 });
  engine.expectStatus("completed", handle);
  engine.expectCalled("one", { times: 1, kwargs: {} });
  // @ts-expect-error
  engine.expectCalled("one", { time: 1 });
  try {
    engine.expectOrder("one", "two");
  } catch (error) {
    if (error instanceof ExpectationError) console.log(error.actual, error.expected);
  }
  return end ? first?.kind : undefined;
}
