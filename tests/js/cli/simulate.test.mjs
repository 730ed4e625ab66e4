// `highway-wasm init` and `simulate`.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Driver } from "highway-wasm";
import { simulate } from "highway-wasm/engine";
import { ensureNewerNode } from "../../../scripts/lib/newer-node.mjs";
import { folder, highway, modules } from "../support/cli.mjs";

const operator = (id, type, more) => [id, { task_id: id, operator_type: type, dependencies: [], ...more }];
const order = {
  name: "order",
  tasks: Object.fromEntries([
    operator("charge", "task", {
      function: "pay.charge",
      kwargs: { who: "{{inputs.who}}" },
      result_key: "charge",
    }),
    operator("paid", "wait_for_event", {
      event_name: "paid",
      timeout_seconds: 604_800,
      dependencies: ["charge"],
    }),
    operator("review", "task", {
      function: "tools.approval.request",
      kwargs: { approval_key: "review", title: "Ship?" },
      dependencies: ["paid"],
    }),
    operator("ship", "task", { function: "shop.ship", args: ["{{charge.id}}"], dependencies: ["review"] }),
  ]),
  timeout_seconds: 1_000_000,
};
const nightly = {
  name: "nightly",
  schedule: "0 3 * * *",
  tasks: Object.fromEntries([operator("dump", "task", { function: "db.dump" })]),
};
const files = {
  "order.json": order,
  "nightly.json": nightly,
  "mocks.json": { charge: { id: 7 } },
  "bad.json": { name: "x", tasks: { a: { operator_type: "tsak" } } },
};
const simulated = async (t, args, cwd = folder(t, files)) => {
  const { code, stdout, stderr } = await highway(t, ["simulate", ...args, "--json"], { cwd });
  assert.equal(stderr, "");
  return { code, ...JSON.parse(stdout) };
};

describe("simulate", { concurrency: 3 }, () => {
  const given = ["order.json", "-i", "who=Ada", "--mocks", "mocks.json", "--signal", 'paid@2d={"amount":1}'];

  test("simulates days, with mocks, signals and decisions", async (t) => {
    const { code, status, durationSeconds, steps, criticalPath } = await simulated(t, [
      ...given,
      "--approve",
      "review",
    ]);
    assert.deepEqual([code, status, durationSeconds], [0, "completed", 172_800]);
    assert.deepEqual(steps.charge.result, { id: 7 });
    assert.match(JSON.stringify(steps.paid.result), /"amount":1/);
    assert.deepEqual(
      criticalPath.map(({ step }) => step),
      ["charge", "paid", "review", "ship"],
    );
  });

  test("shows the timeline and what determined the end", async (t) => {
    const args = ["simulate", ...given, "--reject", "review"];
    const { stdout, stderr } = await highway(t, args, { cwd: folder(t, files) });
    assert.match(stdout, /^\* {2}0s +0s +attempt +charge +completed$/m);
    assert.match(stdout, /^\* {2}0s +2d +event +paid for paid +completed$/m);
    assert.match(stderr, / after 2d/);
  });

  test("does not complete without what it waits for, with exit code 1", async (t) => {
    const { code, status } = await simulated(t, given.slice(0, 5));
    assert.deepEqual([code, status === "completed"], [1, false]);
    const failing = await simulated(t, [...given, "--approve", "review", "--unmocked", "fail"]);
    assert.deepEqual([failing.code, failing.status], [1, "failed"]);
  });

  test("refuses a duplicate key in the data of a signal", async (t) => {
    const cwd = folder(t, files);
    const args = ["simulate", "order.json", "--signal", 'paid@5s={"n":1,"n":2}'];
    const { code, stderr } = await highway(t, args, { cwd });
    assert.equal(code, 2);
    assert.match(
      stderr,
      /the data of `--signal` is not JSON: .*the key stands twice .*\n {2}help: keep one of the two/,
    );
  });

  test("runs a schedule for the given time", async (t) => {
    const { code, runs, startedAt } = await simulated(t, [
      "nightly.json",
      "--for",
      "7d",
      "--at",
      "2026-01-01T00:00:00Z",
    ]);
    assert.deepEqual([code, runs.length, startedAt], [0, 7, "2026-01-01T00:00:00.000Z"]);
  });

  test("takes a driver, and mocks from a module", async (t) => {
    const driver = `import { Driver } from "highway-wasm";
const driver = new Driver({ name: "made" });
driver.tool("one", "shop.one");
export default driver;`;
    const cwd = modules(t, { "it.mjs": driver, "mocks.mjs": "export default { one: () => ({ n: 1 }) };" });
    const { code, steps } = await simulated(t, ["it.mjs", "--mocks", "mocks.mjs"], cwd);
    assert.deepEqual([code, steps.one.result], [0, { n: 1 }]);
  });

  test("names the option for the result of a tool", async (t) => {
    const { stderr } = await highway(t, ["simulate", "nightly.json"], { cwd: folder(t, files) });
    assert.match(stderr, /warning: `dump` has no mock.*\n {2}help: .*`--mocks FILE`/);
    assert.doesNotMatch(stderr, /`tools:/);
  });

  for (const [args, message] of [
    [["bad.json"], /the definition is invalid/],
    [["order.json", "--signal", "@2h"], /`--signal` is not of the form/],
    [["order.json", "--signal", "a@x"], /`--signal` is not a length of time: `x`/],
    [["order.json", "--signal", "a=x"], /the data of `--signal` is not JSON/],
    [["order.json", "--for", "1d"], /the definition has no schedule/],
    [["order.json", "--at", "tomorrow"], /`tomorrow` is not a moment/],
    [["order.json", "--mocks", "nowhere.json"], /there is no file `nowhere.json`/],
    [["order.json", "--approve", "review", "--reject", "review"], /`review` is both approved and rejected/],
    [["order.json", "--unmocked", "fial"], /`--unmocked` does not take `fial`/],
  ]) {
    test(`refuses ${args.join(" ")}`, async (t) => {
      const { code, stderr } = await highway(t, ["simulate", ...args], { cwd: folder(t, files) });
      assert.equal(code, 2, stderr);
      assert.match(stderr, message);
    });
  }
});

describe("simulate, with names that match nothing,", { concurrency: 3 }, () => {
  test("suggests the nearest names", async (t) => {
    const args = ["simulate", "order.json", "-i", "who=Ada", "--signal", "piad", "--reject", "reviw"];
    const { stderr } = await highway(t, [...args, "--signal", "paid"], { cwd: folder(t, files) });
    assert.match(
      stderr,
      /no task took the signal `piad` \(SIGNAL_NOT_TAKEN\)\n {2}help: did you mean `paid`\?/,
    );
    assert.match(stderr, /about `reviw` \(DECISION_NOT_ASKED\)\n {2}help: did you mean `review`\?/);
    assert.match(
      stderr,
      /\(APPROVAL_UNDECIDED\)\n {2}help: decide with `--approve review` or `--reject review`\n/,
    );
    assert.ok(!stderr.includes("signal `paid`"));
  });

  test("shows each finding once", async (t) => {
    const pasting = { ...order, tasks: { a: { ...order.tasks.ship, task_id: "a", dependencies: [] } } };
    Object.assign(pasting.tasks.a, { function: "tools.shell.run", args: ["echo {{inputs.who}}"] });
    const cwd = folder(t, { "it.json": pasting });
    const { stderr } = await highway(t, ["simulate", "it.json", "-i", "who=Ada"], { cwd });
    assert.equal(stderr.split("TEXT_PASTED").length, 2, stderr);
  });
});

describe("init", { concurrency: 3 }, () => {
  for (const [args, file] of [
    [[], "workflow.yaml"],
    [["a/b c.yml"], "a/b c.yml"],
    [["it.json"], "it.json"],
    [["it.mjs"], "it.mjs"],
  ]) {
    test(`${args.join(" ")} writes a valid workflow that runs`, async (t) => {
      const cwd = modules(t, { "package.json": '{"type": "module"}' });
      const { code, stdout, stderr } = await highway(t, ["init", ...args], { cwd });
      assert.equal(code, 0, stderr);
      assert.match(stdout, /^npx highway-wasm run .* --input name=Ada\n$/);
      const checked = await highway(t, ["validate", file], { cwd });
      assert.deepEqual([checked.code, checked.stdout], [0, "valid: 0 errors, 0 warnings\n"]);
      const run = await highway(t, ["run", file, "-i", "name=Ada", "--json"], { cwd });
      const { tasks } = JSON.parse(run.stdout);
      assert.deepEqual([run.code, tasks.greet.stdout, tasks.count.stdout.trim()], [0, "hello Ada", "9"]);
      // The commands that it prints have the file's name in them.
      assert.ok(!readFileSync(join(cwd, file), "utf8").includes("FILE"));
    });
  }

  for (const [file, about] of [
    ["it.js", '{"type": "module"}'],
    ["it.js", '{"name": "typeless"}'],
    ["below/it.js", '{"type": "commonjs"}'],
    ["it.mjs", '{"type": "commonjs"}'],
    ["it.cjs", '{"type": "module"}'],
    ["it.ts", '{"type": "commonjs"}'],
    ["it.ts", '{"type": "module"}'],
    ["it.ts", '{"name": "typeless"}'],
    ["it.mts", '{"type": "commonjs"}'],
    ["it.cts", '{"type": "module"}'],
  ]) {
    test(`${file} runs in a folder with ${about}, also without inputs`, async (t) => {
      const node = file.endsWith("ts") ? await ensureNewerNode() : undefined;
      if (file.endsWith("ts") && node === undefined) return t.skip("there is no newer Node.js");
      const cwd = modules(t, { "package.json": about });
      const { code, stderr } = await highway(t, ["init", file], { cwd, node });
      assert.deepEqual([code, stderr], [0, `wrote ${file}\nrun it with\n`]);
      for (const [args, expected] of [
        [[], "hello world"],
        [["-i", "name=Ada"], "hello Ada"],
      ]) {
        const { code, stdout, stderr } = await highway(t, ["run", file, "--json", ...args], {
          cwd,
          node,
        });
        assert.deepEqual([code, stderr], [0, ""]);
        assert.equal(JSON.parse(stdout).tasks.greet.stdout, expected);
      }
    });
  }

  test("says what a module still needs", async (t) => {
    const { code, stderr } = await highway(t, ["init", "it.mts"], { cwd: folder(t) });
    assert.equal(code, 0);
    assert.match(stderr, /^wrote it.mts\nit needs the package: npm install highway-wasm\n/);
    assert.equal(stderr.includes("it needs Node.js 22.18"), !process.features.typescript);
  });

  test("creates no folder over a file", async (t) => {
    const { code, stdout } = await highway(t, ["init", "a/it.yaml", "--json"], {
      cwd: folder(t, { a: "mine" }),
    });
    const { error } = JSON.parse(stdout);
    assert.deepEqual([code, error.code], [2, "FILE_UNWRITABLE"]);
    assert.match(error.message, /^the folder `a` cannot be made: /);
  });

  test("does not change an existing file", async (t) => {
    const cwd = folder(t, { "workflow.yaml": "mine" });
    const { code, stderr } = await highway(t, ["init"], { cwd });
    assert.equal(code, 2);
    assert.match(stderr, /`workflow.yaml` is there already/);
    assert.equal(readFileSync(join(cwd, "workflow.yaml"), "utf8"), "mine");
  });

  test("accepts only the extensions of workflows", async (t) => {
    const { code, stderr } = await highway(t, ["init", "workflow.py"], { cwd: folder(t) });
    assert.equal(code, 2);
    assert.match(stderr, /`workflow.py` has no extension of a workflow\n {2}help: there are `.yaml`/);
  });
});

describe("the time limit of a driver", { concurrency: 2 }, () => {
  const slow = `import { Driver } from "highway-wasm";
const driver = new Driver({ name: "slow" });
driver.tool("late", "my.tool", {}, { delay: "P2D" });
export default driver;`;

  test("includes its delays, in a simulation as in a run", async () => {
    const driver = new Driver({ name: "slow" });
    driver.tool("late", "my.tool", {}, { delay: "P2D" });
    const simulation = await simulate(driver);
    assert.deepEqual([simulation.status, simulation.durationSeconds], ["completed", 172_800]);
    const limited = await simulate(driver, { timeout: "P1D" });
    assert.deepEqual([limited.status, limited.durationSeconds], ["timed_out", 86_400]);
    const built = await simulate(driver.build());
    assert.deepEqual([built.status, built.durationSeconds], ["timed_out", 300]);
  });

  test("is the same on the command line, where `--timeout` takes precedence", async (t) => {
    const cwd = modules(t, { "slow.mjs": slow });
    const { code, stdout } = await highway(t, ["simulate", "slow.mjs", "--json"], { cwd });
    assert.deepEqual([code, JSON.parse(stdout).durationSeconds], [0, 172_800]);
    const limited = await highway(t, ["simulate", "slow.mjs", "--timeout", "1h", "--json"], { cwd });
    assert.deepEqual([limited.code, JSON.parse(limited.stdout).durationSeconds], [1, 3600]);
  });
});
