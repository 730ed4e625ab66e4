// `highway-wasm run` on an engine in its own process: inputs, results, failures, time limits, interruption.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { inRoot } from "../../scripts/lib/paths.mjs";
import { folder, highway, shellWorkflow, start } from "./support/cli.mjs";

const failing = shellWorkflow("failing", {
  compile: "echo 'main.c:3: missing ;' >&2; exit 2",
  install: "echo never",
});
const files = {
  "two.json": shellWorkflow("two", { first: "echo one {{inputs.who}}", second: "echo two" }),
  "failing.json": failing,
  "slow.json": shellWorkflow("slow", { long: 'echo $$ > "$PID_FILE"; sleep 60' }),
  "bad.json": shellWorkflow("bad", { one: "echo {{two_result.stdout}}" }),
  "cycle.json": {
    ...shellWorkflow("c", { a: "x" }),
    tasks: { a: { ...shellWorkflow("c", { a: "x" }).tasks.a, dependencies: ["a"] } },
  },
  "tools.json": {
    ...shellWorkflow("tools", {}),
    tasks: Object.fromEntries(
      ["one", "two"].map((id) => [
        id,
        { ...shellWorkflow("t", { [id]: "" }).tasks[id], function: "tools.shel.run", args: [] },
      ]),
    ),
  },
  "secret.json": shellWorkflow("secret", {
    first: "test {{secrets.TOKEN}} = t-0123456789 && echo {{secrets.TOKEN}}",
  }),
  "inputs.json": { who: "file", other: 1 },
  "inputs.yaml": "who: yaml\nlist:\n  - 1\n  - two\n",
  "list.json": [1],
};
const plain = (t, args, options) =>
  highway(t, ["run", ...args, "--json"], { cwd: folder(t, files), ...options });
const said = async (t, args, options) =>
  JSON.parse((await plain(t, ["two.json", ...args], options)).stdout).tasks.first.stdout;

describe("a run", { concurrency: 3 }, () => {
  test("shows each task as it changes, then how it ended; the result alone is standard output", async (t) => {
    const { code, stdout, stderr } = await highway(t, ["run", "two.json", "-i", "who=Ada"], {
      cwd: folder(t, files),
    });
    assert.equal(code, 0, stderr);
    assert.equal(JSON.parse(stdout).output.stdout, "two");
    assert.match(stderr, /^run [0-9a-f-]{36}\n/);
    for (const task of ["first", "second"])
      assert.match(stderr, new RegExp(`^ +\\d+\\.\\d s {2}✓ ${task} +succeeded$`, "m"));
    assert.match(stderr, /\ncompleted\n$/);
    assert.ok(!stderr.includes("\x1b"), "no colours and no redrawing where there is no terminal");
  });

  test("reads secrets from the environment, and shows none", async (t) => {
    const env = { HIGHWAY_SECRET_TOKEN: "t-0123456789" };
    const { code, stdout, stderr } = await highway(t, ["run", "secret.json"], { cwd: folder(t, files), env });
    assert.equal(code, 0, stderr);
    assert.match(stdout, /"stdout": "\[secret TOKEN\]"/);
    assert.ok(!(stdout + stderr).includes(env.HIGHWAY_SECRET_TOKEN));
  });

  test("is one JSON object with --json, and nothing else", async (t) => {
    const { code, stdout, stderr } = await plain(t, ["two.json", "-i", "who=Ada"]);
    assert.deepEqual([code, stderr, stdout.trimEnd().split("\n").length], [0, "", 1]);
    const result = JSON.parse(stdout);
    assert.deepEqual(
      [result.workflowName, result.status, result.state, result.error],
      ["two", "completed", "completed", null],
    );
    assert.equal(result.tasks.first.stdout, "one Ada");
    assert.equal(result.tasks.second.state, "completed");
    assert.ok(Date.parse(result.completedAt) >= Date.parse(result.startedAt));
  });

  test("of tools that nobody registered does not begin, and all of them are said", async (t) => {
    const { code, stdout, stderr } = await highway(t, ["run", "tools.json"], { cwd: folder(t, files) });
    assert.deepEqual([code, stdout], [2, ""], stderr);
    for (const id of ["one", "two"]) {
      assert.match(stderr, new RegExp(`^error TOOL_NOT_REGISTERED /tasks/${id}/function$`, "m"));
      assert.match(stderr, new RegExp(`^ {2}task \`${id}\` calls the tool \`tools\\.shel\\.run\``, "m"));
    }
    assert.match(stderr, /^ {2}help: did you mean `tools\.shell\.run`\?$/m);
    const asJson = await plain(t, ["tools.json"]);
    const { error } = JSON.parse(asJson.stdout);
    assert.deepEqual([asJson.code, error.details.serverCode], [2, "TOOL_NOT_REGISTERED"]);
  });

  test("that fails says where and why, with exit code 1", async (t) => {
    const { code, stdout, stderr } = await highway(t, ["run", "failing.json"], { cwd: folder(t, files) });
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(
      stderr,
      /^✗ compile: the command ended with exit code 2: main.c:3: missing ;\n {2}stderr: main.c:3: missing ;\nfailed: task `compile` failed.*\n$/m,
    );
    assert.match(stderr, /- install +skipped/);
    const json = await plain(t, ["failing.json"]);
    assert.equal(json.code, 1);
    const { state, error, tasks } = JSON.parse(json.stdout);
    assert.deepEqual(
      [state, error.code, tasks.compile.returncode, tasks.install.state],
      ["failed", "EXIT_CODE_NONZERO", 2, "skipped"],
    );
  });

  test("of what cannot run is refused with all findings and exit code 2", async (t) => {
    const { code, stdout, stderr } = await highway(t, ["run", "cycle.json"], { cwd: folder(t, files) });
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(stderr, /^error DEPENDENCY_SELF \/tasks\/a/m);
    assert.match(stderr, /^error: the definition cannot run as it is$/m);
    const json = await plain(t, ["cycle.json"]);
    assert.equal(json.code, 2);
    const { error } = JSON.parse(json.stdout);
    assert.equal(error.code, "VALIDATION_FAILED");
    assert.equal(error.diagnostics[0].code, "DEPENDENCY_SELF");
  });

  test("of what is suspicious is warned of, and done", async (t) => {
    const { code, stderr } = await highway(t, ["run", "bad.json"], { cwd: folder(t, files) });
    assert.equal(code, 1);
    assert.match(stderr, /^(warning|error) TEMPLATE_NAME_UNKNOWN/m);
  });

  test("has a time limit", async (t) => {
    const cwd = folder(t, files);
    const env = { PID_FILE: join(cwd, "pid") };
    const { code, stdout } = await plain(t, ["slow.json", "--timeout", "1"], { cwd, env });
    assert.equal(code, 1);
    const { state, error } = JSON.parse(stdout);
    assert.deepEqual([state, error.code], ["timed_out", "RUN_TIMED_OUT"]);
  });

  for (const limit of ["0", "0.5", "x", "PT1M"]) {
    test(`has no time limit of ${limit}`, async (t) => {
      const { code, stderr } = await highway(t, ["run", "two.json", "--timeout", limit], {
        cwd: folder(t, files),
      });
      assert.equal(code, 2);
      assert.match(stderr, /`--timeout` is no number of seconds/);
    });
  }

  for (const [signal, exit] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ]) {
    test(`that ${signal} interrupts ends with what it started, with exit code ${exit}`, async (t) => {
      const cwd = folder(t, files);
      const file = join(cwd, "pid");
      const run = start(t, ["run", "slow.json"], { cwd, env: { PID_FILE: file } });
      for (let turn = 0; turn < 200 && !existsSync(file); turn++) await sleep(25);
      await sleep(100);
      run.child.kill(signal);
      const { code, stdout, stderr } = await run.ended;
      assert.deepEqual([code, stdout], [exit, ""]);
      assert.doesNotMatch(stderr, /error:|\n {4}at /);
      assert.throws(() => process.kill(Number(readFileSync(file, "utf8")), 0), { code: "ESRCH" });
    });
  }

  test("is not begun where standard input never ends and the user has enough", async (t) => {
    const run = start(t, ["run", "-"], { input: null });
    // More than fits between the two processes, so it is read.
    await new Promise((resolve) => run.child.stdin.write(" ".repeat(2_000_000), resolve));
    const started = performance.now();
    run.child.kill("SIGINT");
    assert.equal((await run.ended).code, 130);
    assert.ok(performance.now() - started < 4900, "it ends by itself, not because somebody lost patience");
  });

  test("cannot be left alone in this process", async (t) => {
    const { code, stderr } = await highway(t, ["run", "two.json", "--detach"], { cwd: folder(t, files) });
    assert.equal(code, 2);
    assert.match(stderr, /`--detach` needs a server/);
    const both = await highway(t, ["run", "two.json", "--local", "--endpoint", "http://127.0.0.1:9"], {
      cwd: folder(t, files),
    });
    assert.equal(both.code, 2);
    assert.match(both.stderr, /`--local` and `--endpoint` exclude each other/);
  });

  test("is in this process with --local, whatever the environment says", async (t) => {
    const env = { HIGHWAY_API_ENDPOINT: "http://127.0.0.1:9", HIGHWAY_API_KEY: "a-key-of-these-tests" };
    assert.equal((await plain(t, ["two.json", "--local", "-i", "who=x"], { env })).code, 0);
    assert.equal((await plain(t, ["two.json", "-i", "who=x"], { env })).code, 1);
  });
});

describe("inputs", { concurrency: 3 }, () => {
  for (const [args, expected, input] of [
    [["--input", "who=Ada"], "one Ada"],
    [["-i", "who=a=b=c"], "one a=b=c"],
    [["--input=who="], "one "],
    [["-i", "who=42"], "one 42"],
    [["-i", 'who={"a":[1,"x"]}'], "one {a:[1,x]}"],
    [["-i", 'who="42 in quotes"'], "one 42 in quotes"],
    [["-i", "who={broken"], "one {broken"],
    [["-i", "who=1", "-i", "who=2"], "one 2"],
    [["--inputs", "inputs.json"], "one file"],
    [["--inputs", "inputs.yaml"], "one yaml"],
    [["--inputs", "inputs.json", "-i", "who=flag"], "one flag"],
    [["--inputs", "-"], "one stdin", '{"who": "stdin"}'],
    [["--inputs=-"], "one yaml", "who: yaml"],
  ]) {
    test(`${args.join(" ")} gives \`${expected}\``, async (t) => {
      assert.equal((await said(t, args, { input })).trimEnd(), expected.trimEnd());
    });
  }

  test("are values, not text, where they are JSON", async (t) => {
    // Taken back as they are: the engine puts a template that is the whole text in as the value it stands for.
    const input = JSON.stringify({
      name: "typed",
      tasks: {
        say: {
          task_id: "say",
          operator_type: "task",
          function: "tools.shell.run",
          kwargs: { command: "{{inputs.command}}" },
        },
      },
    });
    const text = await highway(t, ["run", "-", "--json", "-i", "command=echo 1"], { input });
    assert.equal(JSON.parse(text.stdout).tasks.say.stdout, "1");
    const number = await highway(t, ["run", "-", "--json", "-i", "command=42"], { input });
    assert.equal(JSON.parse(number.stdout).tasks.say.error.code, "TOOL_ARGUMENTS_INVALID");
  });

  for (const [args, message, input] of [
    [["-i", "who"], /`--input` is not of the form `name=value`: `who`/],
    [["-i", "=1"], /`--input` is not of the form/],
    [["--inputs", "nowhere.json"], /there is no file `nowhere.json`/],
    [["--inputs", "list.json"], /the inputs in `list.json` are no object/],
    [["--inputs", "-"], /the inputs in standard input cannot be read/, "{broken"],
    [["--inputs", "-"], /cannot be read: .*line 2, column 7/, "a: 1\nb: [x]]\n"],
    [["--inputs", "-"], /the inputs in standard input (are no object|cannot be read)/, "just text"],
  ]) {
    test(`${args.join(" ")} ${input ?? ""} is refused with exit code 2`, async (t) => {
      const { code, stderr } = await highway(t, ["run", "two.json", ...args], {
        cwd: folder(t, files),
        input,
      });
      assert.equal(code, 2, stderr);
      assert.match(stderr, message);
    });
  }

  test("and definition do not both come from standard input", async (t) => {
    const { code, stderr } = await highway(t, ["run", "-", "--inputs", "-"]);
    assert.equal(code, 2);
    assert.match(stderr, /cannot both come from standard input/);
  });
});

describe("what is run", { concurrency: 3 }, () => {
  const DRIVER = `import { Driver } from "highway-wasm";
const driver = new Driver({ name: "made", apiKey: "of-nobody", endpoint: "http://127.0.0.1:9" });
const one = driver.shell("first", "echo one {{inputs.who}}");
driver.shell("second", \`echo "\${one.result.stdout}!"\`, { depends: [one], retries: 2 });
export default driver;`;
  const modules = (t, sources) => {
    const cwd = folder(t, sources);
    mkdirSync(join(cwd, "node_modules"));
    symlinkSync(inRoot("dist"), join(cwd, "node_modules", "highway-wasm"));
    return cwd;
  };

  test("may be a driver, on our engine", async (t) => {
    const cwd = modules(t, { "it.mjs": DRIVER });
    const { code, stdout } = await plain(t, ["it.mjs", "-i", "who=Ada"], { cwd });
    assert.equal(code, 0, stdout);
    assert.equal(JSON.parse(stdout).tasks.second.stdout, "one Ada!");
  });

  test("may be a workflow", async (t) => {
    const source = `import { WorkflowBuilder } from "highway-wasm";
export default new WorkflowBuilder("made").task("one", "tools.shell.run", { args: ["echo {{inputs.who}}"] }).build();`;
    const { code, stdout } = await plain(t, ["it.mjs", "-i", "who=Ada"], {
      cwd: modules(t, { "it.mjs": source }),
    });
    assert.equal(code, 0, stdout);
    assert.equal(JSON.parse(stdout).tasks.one.stdout, "Ada");
  });

  test("may be YAML from standard input", async (t) => {
    const input =
      'name: y\ntasks:\n  one:\n    task_id: one\n    operator_type: task\n    function: tools.shell.run\n    args: ["echo yes"]\n';
    const { code, stdout } = await plain(t, ["-"], { input });
    assert.equal(code, 0, stdout);
    assert.equal(JSON.parse(stdout).tasks.one.stdout, "yes");
  });

  test("cannot be a driver whose functions have to be uploaded", async (t) => {
    const source = `import { Driver } from "highway-wasm";
const driver = new Driver({ name: "made" });
driver.task("one", { durable: "def one(ctx):\\n    return 1" });
export default driver;`;
    const { code, stderr } = await highway(t, ["run", "it.mjs"], { cwd: modules(t, { "it.mjs": source }) });
    assert.equal(code, 2);
    assert.match(stderr, /a driver with durable functions cannot be run from here/);
  });
});
