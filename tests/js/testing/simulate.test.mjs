// Simulations: whole workflows in virtual time.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Driver, isHighwayError, Workflow, WorkflowBuilder } from "highway-wasm";
import { simulate, ToolError } from "highway-wasm/engine";
import { turnsOf } from "../support/turns.mjs";

const at = "2030-01-01T00:00:00Z";

/** Entries as `kind step start-end`, in seconds since the start. */
const told = (entries) =>
  entries.map(({ kind, step, start, end, outcome }) => {
    const since = (moment) => (moment === null ? "?" : (moment.getTime() - Date.parse(at)) / 1000);
    return `${kind} ${step} ${since(start)}-${since(end)}${outcome === "completed" ? "" : ` ${outcome}`}`;
  });

function order() {
  const driver = new Driver({ name: "order" });
  driver.tool("charge", "pay.charge", { amount: 5 }, { retries: 2, retryDelay: 60, backoff: 1 });
  driver.tool("pack", "shop.pack", {}, {});
  driver.tool("ship", "shop.ship", { of: "{{charge_result.id}}" }, { depends: ["charge", "pack"] });
  return driver.build({ timeout: "P30D" });
}

describe("a simulation", () => {
  it("shows attempts and waits, and what determined the end", async () => {
    const simulation = await simulate(order(), {
      at,
      tools: {
        charge: [new Error("busy"), { result: { id: 7 }, delay: 2 }],
        pack: { result: {}, delay: "PT10S" },
        "shop.ship": ({ kwargs }) => ({ result: { sent: kwargs.of }, delay: { minutes: 1 } }),
      },
    });
    assert.equal(simulation.status, "completed");
    assert.deepEqual(simulation.result.output, { sent: 7 });
    assert.deepEqual(told(simulation.timeline), [
      "attempt charge 0-0 failed",
      "attempt pack 0-10",
      "retry charge 0-60",
      "attempt charge 60-62",
      "attempt ship 62-122",
    ]);
    assert.deepEqual(told(simulation.criticalPath), [
      "attempt charge 0-0 failed",
      "retry charge 0-60",
      "attempt charge 60-62",
      "attempt ship 62-122",
    ]);
    assert.equal(simulation.durationSeconds, 122);
    assert.equal(simulation.startedAt.toISOString(), "2030-01-01T00:00:00.000Z");
    assert.equal(simulation.endedAt.toISOString(), "2030-01-01T00:02:02.000Z");
    assert.equal(simulation.timeline[0].error.message, "busy");
    assert.equal(simulation.timeline[0].tool, "pay.charge");
    assert.equal(simulation.steps.charge.retries, 1);
    assert.equal(simulation.error, null);
    assert.deepEqual(simulation.warnings, []);
  });

  it("takes a Workflow, a WorkflowBuilder, a Driver and plain data", async () => {
    const builder = new WorkflowBuilder("built").task("one", "tools.shell.run", { args: ["ls"] });
    const driver = new Driver({ name: "driven" });
    driver.shell("one", "ls");
    for (const definition of [
      builder,
      builder.build(),
      driver,
      driver.build(),
      Workflow.fromJSON(driver.build()),
    ]) {
      const { status, steps, warnings } = await simulate(definition, { at });
      assert.equal(status, "completed");
      assert.deepEqual(steps.one.result, { stdout: "", stderr: "", returncode: 0, exit_code: 0 });
      const [{ code, task, help }] = warnings;
      assert.deepEqual([code, task], ["TOOL_NOT_MOCKED", "one"]);
      assert.match(help, /tools: \{ "one"/);
    }
  });

  it("is the same each time", async () => {
    const once = async () => JSON.stringify(await simulate(order(), { at, tools: { charge: { id: 1 } } }));
    assert.equal(await once(), await once());
  });

  it("fails tools without a mock if the option says so", async () => {
    const { status, error, warnings } = await simulate(order(), { at, unmocked: "fail" });
    assert.equal(status, "failed");
    assert.equal(error.code, "TOOL_NOT_REGISTERED");
    assert.match(error.message, /neither the task `\w+` nor its tool/);
    assert.equal(warnings.filter(({ code }) => code === "TOOL_NOT_MOCKED").length, 2);
    assert.deepEqual(
      warnings.filter(({ code }) => code === "STEP_NOT_REACHED").map(({ task }) => task),
      ["ship"],
    );
  });

  it("warns of mocks that no call has used", async () => {
    const tools = { chrage: { id: 1 }, "pay.charge": {}, pack: {}, ship: {}, "tools.approval.request": {} };
    const { warnings } = await simulate(order(), { at, tools });
    const found = warnings.filter(({ code }) => code === "MOCK_NOT_ASKED").map(({ message }) => message);
    assert.deepEqual(found, [
      "no task called the mock `chrage`",
      "no task called the mock `tools.approval.request`",
    ]);
    const help = warnings.filter(({ code }) => code === "MOCK_NOT_ASKED").map((warning) => warning.help);
    assert.equal(help[0], "did you mean `charge`?");
    assert.match(help[1], /tools of the engine itself are not mocked/);
  });

  it("follows a mock that says whether another attempt may succeed", async () => {
    const charge = [{ error: "no card", retryable: false, delay: 1 }];
    const { status, timeline } = await simulate(order(), { at, tools: { charge, pack: {} } });
    assert.equal(status, "failed");
    assert.deepEqual(told(timeline), ["attempt charge 0-1 failed", "attempt pack 0-0"]);
    const refused = new ToolError("no card", { code: "CARD_REFUSED", retryable: false });
    const { error } = await simulate(order(), { at, tools: { charge: refused } });
    assert.equal(error.code, "CARD_REFUSED");
  });

  it("waits for asynchronous mocks, while virtual time does not pass", async () => {
    const seen = [];
    const { status, durationSeconds } = await simulate(order(), {
      at,
      tools: {
        charge: async (call, { now, attempt, task }) => {
          await new Promise((resolve) => setTimeout(resolve, 5));
          seen.push([now.toISOString(), attempt, task, call.kwargs.amount]);
          if (attempt === 1) throw new Error("busy");
          return { id: 3 };
        },
      },
    });
    assert.deepEqual(seen, [
      ["2030-01-01T00:00:00.000Z", 1, "charge", 5],
      ["2030-01-01T00:01:00.000Z", 2, "charge", 5],
    ]);
    assert.equal(`${status} ${durationSeconds}`, "completed 60");
  });

  it("aborts a tool that never answers at its time limit", async () => {
    const { timeline, steps } = await simulate(order(), {
      at,
      tools: { charge: { delay: Number.POSITIVE_INFINITY } },
    });
    assert.equal(told(timeline)[0], "attempt charge 0-300 timed_out");
    assert.equal(steps.charge.error.code, "TASK_TIMED_OUT");
  });
});

describe("a signal or a decision of a simulation", () => {
  const asking = () =>
    new WorkflowBuilder("asking")
      .waitForEvent("confirmed", "confirm", { resultKey: "confirmed" })
      .task("ask", "tools.approval.request", {
        kwargs: { key: "boss", title: "Really?", timeout_seconds: 86400 },
      })
      .build();

  it("arrives at the planned moment", async () => {
    const { status, timeline, warnings, result } = await simulate(asking(), {
      at,
      signals: [{ name: "confirm", payload: { by: "Ada" }, at: "PT1H" }],
      approvals: { boss: { approved: true, after: "PT2H", comment: "fine" } },
    });
    assert.equal(status, "completed");
    assert.deepEqual(told(timeline), ["event confirmed 0-3600", "approval ask 3600-10800"]);
    assert.equal(timeline[1].waitsFor, "boss");
    assert.equal(result.output.comment, "fine");
    assert.equal(result.confirmed.by, "Ada");
    assert.deepEqual(
      warnings.filter(({ severity }) => severity !== "info"),
      [],
    );
  });

  it("causes a warning if it is missing", async () => {
    const { status, error, timeline, endedAt, warnings, criticalPath } = await simulate(asking(), { at });
    assert.equal(status, "stuck");
    assert.match(error.message, /`confirmed` for the event `confirm`/);
    assert.deepEqual(told(timeline), ["event confirmed 0-? null"]);
    assert.deepEqual(criticalPath, []);
    assert.equal(endedAt.toISOString(), "2030-01-01T00:00:00.000Z");
    const codes = warnings.map(({ code, task }) => `${code} ${task}`);
    assert.deepEqual(codes, ["STEP_NOT_REACHED ask", "EVENT_NOT_EMITTED confirmed"]);
  });

  it("may be missing, and the approval reaches its time limit", async () => {
    const signals = [{ name: "confirm", at: new Date("2030-01-01T00:01:00Z") }];
    const { status, warnings, durationSeconds } = await simulate(asking(), { at, signals });
    assert.equal(status, "failed");
    assert.equal(durationSeconds, 60 + 86400);
    const { help } = warnings.find(({ code }) => code === "APPROVAL_UNDECIDED");
    assert.match(help, /approvals: \{ "ask": true \}/);
    const rejected = await simulate(asking(), { at, signals, approvals: { ask: false } });
    assert.equal(rejected.result.output.approved, false);
  });
});

describe("parts of a simulation", () => {
  it("are loops, branches and workflows that it starts", async () => {
    const child = new WorkflowBuilder("child").task("inner", "work.inner", {}).build();
    const workflow = new WorkflowBuilder("parent")
      .foreach("each", "{{items}}", (item) => {
        item.task("step", "work.step", { kwargs: { item: "{{item}}" } });
      })
      .task("call", "tools.workflow.execute", { kwargs: { workflow_name: "child" } })
      .build();
    const { status, timeline, runs, criticalPath } = await simulate(workflow, {
      at,
      inputs: { items: ["a", "b"] },
      workflows: [child],
      tools: { "work.step": [{ delay: 1 }, { delay: 2 }], inner: { result: 1, delay: 4 } },
    });
    assert.equal(status, "completed");
    assert.deepEqual(told(timeline), [
      "loop each 0-3",
      "attempt step[0] 0-1",
      "attempt step[1] 1-3",
      "children call 3-7",
      "attempt inner 3-7",
    ]);
    assert.deepEqual(told(criticalPath), ["attempt step[0] 0-1", "attempt step[1] 1-3", "attempt inner 3-7"]);
    assert.deepEqual(
      runs.map(({ workflow: name, status: how, parentRunId }) => [name, how, parentRunId]),
      [
        ["parent", "completed", null],
        ["child", "completed", runs[0].runId],
      ],
    );
  });
});

describe("a schedule", () => {
  const scheduled = (rule) => ({ ...order(), schedule: rule, max_active_runs: 50 });

  it("runs for the given time, and runs that have started continue", async () => {
    const simulation = await simulate(scheduled("*/15 * * * *"), {
      at,
      for: "P3D",
      tools: { charge: [new Error("busy"), { result: { id: 1 }, delay: 30 }], pack: {}, ship: {} },
    });
    assert.equal(simulation.status, "completed");
    assert.equal(simulation.runs.length, 3 * 96);
    const [first, second] = simulation.runs;
    assert.equal(first.startedAt.toISOString(), "2030-01-01T00:15:00.000Z");
    assert.equal(second.startedAt.toISOString(), "2030-01-01T00:30:00.000Z");
    assert.deepEqual(new Set(simulation.runs.map(({ durationSeconds }) => durationSeconds)), new Set([90]));
    assert.equal(simulation.endedAt.toISOString(), "2030-01-04T00:01:30.000Z");
    assert.equal(simulation.timeline.length, 3 * 96 * 5);
    assert.ok(
      simulation.timeline.every(({ start }, index, all) => index === 0 || all[index - 1].start <= start),
    );
  });

  it("is ignored if a single run is simulated", async () => {
    const { runs } = await simulate(scheduled("@every 60s"), { at });
    assert.equal(runs.length, 1);
  });

  it("waits for a run to end if the number of active runs is limited", async () => {
    const { runs } = await simulate(
      { ...scheduled("@every 60s"), max_active_runs: 1 },
      { at, for: "PT5M", tools: { pack: { delay: 100 } } },
    );
    assert.deepEqual(
      runs.map(({ startedAt }) => (startedAt.getTime() - Date.parse(at)) / 1000),
      [60, 160, 260],
    );
  });
});

describe("a simulation is refused", () => {
  it("for a definition that cannot run, with all findings", async () => {
    const definition = order();
    definition.tasks.ship.dependencies = ["shp"];
    const error = await simulate(definition).catch((thrown) => thrown);
    assert.equal(`${error.name} ${error.diagnostics[0].code}`, "ValidationError DEPENDENCY_UNKNOWN");
  });

  it("for wrong options, with their paths", async () => {
    for (const [options, path] of [
      [{ att: 1 }, "/att"],
      [{ at: "someday" }, "/at"],
      [{ tools: { charge: [] } }, "/tools/charge"],
      [{ tools: { charge: { delay: -1 } } }, "/tools/charge/delay"],
      [{ tools: { charge: { result: 1, error: "x" } } }, "/tools/charge"],
      [{ tools: { charge: [() => 1] } }, "/tools/charge"],
      [{ signals: [{}] }, "/signals/0/name"],
      [{ signals: [{ name: "a", at: "never" }] }, "/signals/0/at"],
      [{ approvals: { a: {} } }, "/approvals/a"],
      [{ inputs: 3 }, "/inputs"],
      [{ for: "P1D" }, "/for"],
      [{ unmocked: "maybe" }, "/unmocked"],
      [{ maxSteps: 0 }, "/maxSteps"],
      [{ workflows: [{}] }, "/workflows/0"],
    ]) {
      const error = await simulate(order(), options).catch((thrown) => thrown);
      assert.ok(isHighwayError(error, "OPTION_INVALID"), `${path}: ${error}`);
      assert.ok(error.path.startsWith(path), `${error.path} for ${path}`);
    }
    const error = await simulate("nothing").catch((thrown) => thrown);
    assert.match(error.message, /not a workflow/);
  });

  it("if it never ends", async () => {
    const endless = new WorkflowBuilder("endless")
      .whileLoop("again", "1 == 1", (round) => {
        round.wait("pause", "P1D");
      })
      .build();
    const late = await simulate(endless, { at, maxTime: "P10D" }).catch((thrown) => thrown);
    assert.equal(late.code, "RUN_TIMED_OUT");
    assert.match(
      late.message,
      /after 864000 s of virtual time, at 2030-01-11T00:00:00.000Z; under way: .*`pause\[10\]` \(sleep\)/,
    );
    const long = await simulate(endless, { at, maxSteps: 5 }).catch((thrown) => thrown);
    assert.match(long.message, /after 5 steps/);
  });
});

it("a long simulation lets the event loop take turns", async () => {
  const loop = {
    task_id: "loop",
    operator_type: "while",
    condition: "true",
    loop_body: [{ task_id: "pause", operator_type: "wait", wait_for: 1 }],
  };
  const { turns } = await turnsOf(() =>
    simulate({ name: "long", version: "1.0.0", tasks: { loop } }, { maxSteps: 5_000 }).catch((error) =>
      assert.equal(error.code, "RUN_TIMED_OUT"),
    ),
  );
  assert.ok(turns > 3, `${turns} turns`);
});
