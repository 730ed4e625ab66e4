// `highway-wasm run` on an engine in its own process: inputs, results, failures, time limits, interruption.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Workflow } from "highway-wasm";
import "highway-wasm/engine";
import { folder, highway, modules, shellWorkflow, start } from "../support/cli.mjs";
import { until } from "../support/until.mjs";

const failing = shellWorkflow("failing", {
  compile: "echo 'main.c:3: missing ;' >&2; exit 2",
  install: "echo never",
});
const files = {
  "two.json": shellWorkflow("two", { first: "echo one {{inputs.who}}", second: "echo two" }),
  "failing.json": failing,
  "slow.json": shellWorkflow("slow", { long: 'echo $$ > "$PID_FILE"; sleep 60' }),
  "bad.json": shellWorkflow("bad", { one: "echo {{two_result.stdout}}" }),
  "tests.json": shellWorkflow("tests", {
    suite: "for i in $(seq 1 30); do echo \"line $i\"; done; echo 'not ok 31'; echo hm >&2; exit 1",
  }),
  "hangs.json": shellWorkflow("hangs", { long: "echo begun; sleep 60" }),
  "asks.json": {
    name: "asks",
    tasks: {
      review: {
        task_id: "review",
        operator_type: "task",
        function: "tools.approval.request",
        kwargs: { approval_key: "ship-7" },
      },
    },
  },
  "waits.json": {
    name: "waits",
    tasks: { pay: { task_id: "pay", operator_type: "wait_for_event", event_name: "paid" } },
  },
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
  test("shows each change of a task, then how it ended; only the result is on standard output", async (t) => {
    const { code, stdout, stderr } = await highway(t, ["run", "two.json", "-i", "who=Ada"], {
      cwd: folder(t, files),
    });
    assert.equal(code, 0, stderr);
    assert.equal(JSON.parse(stdout).output.stdout, "two");
    assert.match(stderr, /^run [0-9a-f-]{36}$/m);
    for (const task of ["first", "second"])
      assert.match(stderr, new RegExp(`^ +\\d+\\.\\d s {2}✓ ${task} +completed$`, "m"));
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

  test("prints one JSON object with --json, and nothing else", async (t) => {
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

  for (const name of ["mark.json", "mark.yaml"]) {
    test(`accepts ${name} with a byte order mark`, async (t) => {
      const cwd = folder(t, {
        "mark.json": `\uFEFF${JSON.stringify(files["two.json"])}`,
        "mark.yaml": `\uFEFF${Workflow.fromJSON(files["two.json"]).toYAML()}`,
      });
      assert.equal((await highway(t, ["validate", name], { cwd })).code, 0);
      const { code, stdout } = await highway(t, ["run", name, "-i", "who=Ada", "--json"], { cwd });
      assert.deepEqual([code, JSON.parse(stdout).tasks.first.stdout], [0, "one Ada"]);
    });
  }

  test("keeps the digits of integers in the definition", async (t) => {
    const definition = { ...shellWorkflow("big", { first: "echo {{big}}" }), variables: { big: "BIG" } };
    const text = JSON.stringify(definition).replace('"BIG"', "9007199254740993");
    const { stdout } = await highway(t, ["run", "-", "--json"], { input: text });
    assert.equal(JSON.parse(stdout).tasks.first.stdout, "9007199254740993");
  });

  test("with unknown tools does not start, and all of them are named", async (t) => {
    const { code, stdout, stderr } = await highway(t, ["run", "tools.json"], { cwd: folder(t, files) });
    assert.deepEqual([code, stdout], [2, ""], stderr);
    for (const id of ["one", "two"]) {
      assert.match(stderr, new RegExp(`^tools.json: error TOOL_NOT_REGISTERED /tasks/${id}/function$`, "m"));
      const said = stderr.split(`task \`${id}\` calls the tool \`tools.shel.run\``);
      assert.equal(said.length, 2, "said once");
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

  test("that fails shows the end of the task's output, of both streams", async (t) => {
    const { code, stderr } = await highway(t, ["run", "tests.json"], { cwd: folder(t, files) });
    assert.equal(code, 1);
    assert.match(
      stderr,
      /\n {2}stdout: … 11 lines before\n {2}stdout: line 12\n[\s\S]*\n {2}stdout: not ok 31\n {2}stderr: hm\nfailed/,
    );
    assert.ok(!stderr.includes("stdout: line 11\n"));
  });

  test("that exceeds its time limit shows the output of its tasks until then", async (t) => {
    const args = ["run", "hangs.json", "--timeout", "1"];
    const { code, stderr } = await highway(t, args, { cwd: folder(t, files) });
    assert.equal(code, 1);
    assert.match(stderr, /^✗ long: cancelled\n {2}stdout: begun\ntimed_out: /m);
  });

  for (const [file, what, option] of [
    ["asks.json", "review waits for the approval `ship-7`", "--approve ship-7"],
    ["waits.json", "pay waits for the event `paid`", "--signal paid"],
  ]) {
    test(`that waits for something that never happens says so: ${what}`, async (t) => {
      const run = start(t, ["run", file], { cwd: folder(t, files) });
      await run.seen(new RegExp(`^ +${what}\n +help: nobody can answer .*${option}`, "m"));
      run.child.kill("SIGINT");
      const { code, stderr } = await run.ended;
      assert.equal(code, 130);
      assert.match(stderr, /^interrupted: the run ends here/m);
    });
  }

  test("of an invalid definition is refused with all findings and exit code 2", async (t) => {
    const { code, stdout, stderr } = await highway(t, ["run", "cycle.json"], { cwd: folder(t, files) });
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(stderr, /^cycle\.json[:\d]*: error DEPENDENCY_SELF \/tasks\/a/m);
    assert.match(stderr, /^error: the definition is invalid$/m);
    const json = await plain(t, ["cycle.json"]);
    assert.equal(json.code, 2);
    const { error } = JSON.parse(json.stdout);
    assert.equal(error.code, "VALIDATION_FAILED");
    assert.equal(error.diagnostics[0].code, "DEPENDENCY_SELF");
  });

  test("of a suspicious definition shows warnings, and runs", async (t) => {
    const { code, stderr } = await highway(t, ["run", "bad.json"], { cwd: folder(t, files) });
    assert.equal(code, 1);
    assert.match(stderr, /^bad\.json[:\d]*: (warning|error) TEMPLATE_NAME_UNKNOWN/m);
  });

  test("has a time limit", async (t) => {
    const cwd = folder(t, files);
    const env = { PID_FILE: join(cwd, "pid") };
    const { code, stdout } = await plain(t, ["slow.json", "--timeout", "1"], { cwd, env });
    assert.equal(code, 1);
    const { state, error } = JSON.parse(stdout);
    assert.deepEqual([state, error.code], ["timed_out", "RUN_TIMED_OUT"]);
  });

  for (const limit of ["0", "0.5", "500ms", "PT0S"]) {
    test(`may have no time limit of ${limit}`, async (t) => {
      const args = ["run", "two.json", "--timeout", limit];
      const { code, stderr } = await highway(t, args, { cwd: folder(t, files) });
      assert.equal(code, 2);
      assert.match(stderr, /`--timeout` is less than 1 s/);
    });
  }

  for (const limit of ["x", "1x", "m", "1m1m", "30s1h", "-5", "1e3", "PT", "1h30"]) {
    test(`\`${limit}\` is not a valid time limit`, async (t) => {
      const { code, stderr } = await highway(t, ["run", "two.json", `--timeout=${limit}`], {
        cwd: folder(t, files),
      });
      assert.equal(code, 2);
      assert.match(stderr, /`--timeout` is not a length of time: .*\n {2}help: .*`1h30m`/);
    });
  }

  for (const [signal, exit] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ]) {
    test(`that ${signal} interrupts ends all its processes, with exit code ${exit}`, async (t) => {
      const cwd = folder(t, files);
      const file = join(cwd, "pid");
      const run = start(t, ["run", "slow.json"], { cwd, env: { PID_FILE: file } });
      await until(() => existsSync(file) && readFileSync(file, "utf8").trim() !== "");
      run.child.kill(signal);
      const { code, stdout, stderr } = await run.ended;
      assert.deepEqual([code, stdout], [exit, ""]);
      assert.doesNotMatch(stderr, /error:|\n {4}at /);
      assert.throws(() => process.kill(Number(readFileSync(file, "utf8")), 0), { code: "ESRCH" });
    });
  }

  test("does not start if standard input never ends and the user interrupts", async (t) => {
    const run = start(t, ["run", "-"], { input: null });
    // More than fits between the two processes, so the program has read it.
    await new Promise((resolve) => run.child.stdin.write(" ".repeat(2_000_000), resolve));
    const started = performance.now();
    run.child.kill("SIGINT");
    assert.equal((await run.ended).code, 130);
    assert.ok(
      performance.now() - started < 9000,
      "it ends by itself, not because somebody lost patience after 10 s",
    );
  });

  test("cannot be detached in this process", async (t) => {
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

  /** The type of `{{inputs.command}}` as a whole command: a number is refused, text is run. */
  async function typeOf(t, value) {
    const task = {
      ...shellWorkflow("t", { say: "" }).tasks.say,
      args: [],
      kwargs: { command: "{{inputs.command}}" },
    };
    const input = JSON.stringify({ name: "typed", tasks: { say: task } });
    const { stdout } = await highway(t, ["run", "-", "--json", "-i", value], { input });
    return JSON.parse(stdout).tasks.say.error?.code === "TOOL_ARGUMENTS_INVALID" ? "value" : "text";
  }

  // Commits, versions, dates and numbers with leading zeros look like numbers, but are text.
  for (const text of ["1234e8", "1.10", "1e999", "20260910.021100", "007", "+1", "1.0", "-0", "0x10", " 1"]) {
    test(`\`${text}\` stays text`, async (t) => {
      assert.equal(await typeOf(t, `command=${text}`), "text");
      assert.equal(await said(t, ["-i", `who=${text}`]), `one ${text.trim()}`);
    });
  }

  for (const text of ["42", "-1", "0", "1.5", "9007199254740993", "-123456789012345678901234567890"]) {
    test(`\`${text}\` is a number, with all its digits`, async (t) => {
      assert.equal(await typeOf(t, `command=${text}`), "value");
      assert.equal(await said(t, ["-i", `who=${text}`]), `one ${text}`);
    });
  }

  test("keep such texts in lists and objects, too", async (t) => {
    const given = 'who=[1.10, -0, {"a": 1e400, "1.0": "007"}, 1.5, 12345678901234567890]';
    assert.equal(await said(t, ["-i", given]), "one [1.10,-0,{a:1e400,1.0:007},1.5,12345678901234567890]");
    assert.equal(await said(t, ["-i", "who:=[1.10]"]), "one [1.1]");
  });

  test("are refused with a duplicate key", async (t) => {
    const cwd = folder(t, { ...files, "twice.json": '{\n "a": {"b": 1, "b": 2}}' });
    for (const [option, value, place] of [
      ["-i", 'who={"a":1,"a":2}', "line 1, column 8"],
      ["-i", 'who:={"a":1,"a":2}', "line 1, column 8"],
      ["--inputs", "twice.json", "line 2, column 16"],
    ]) {
      const { code, stderr } = await highway(t, ["run", "two.json", option, value], { cwd });
      assert.equal(code, 2);
      assert.match(stderr, new RegExp(`the key stands twice in one object at ${place}`));
    }
  });

  test("from a YAML file cause warnings for unquoted words that are not read as text", async (t) => {
    const cwd = folder(t, { ...files, "words.yaml": "who: Ada\nat: 12:30\nnested:\n  - go: yes\n" });
    const { code, stderr } = await highway(t, ["run", "two.json", "--inputs", "words.yaml"], { cwd });
    assert.equal(code, 0);
    assert.match(
      stderr,
      /^words\.yaml:2:\d+: warning VALUE_CONVERTED \/at\n {2}the bare word `12:30` is read as `750`\n {2}help: .*"12:30"/m,
    );
    assert.match(stderr, /^words\.yaml:4:\d+: warning VALUE_CONVERTED \/nested\/0\/go$/m);
  });

  test("with := must be JSON", async (t) => {
    assert.equal(await typeOf(t, "command:=1.10"), "value");
    assert.equal(await typeOf(t, 'command:="1"'), "text");
    assert.equal(await said(t, ["-i", 'who:={"a":9007199254740993}']), "one {a:9007199254740993}");
    const { code, stderr } = await highway(t, ["run", "two.json", "-i", "who:=Ada"], {
      cwd: folder(t, files),
    });
    assert.equal(code, 2);
    assert.match(stderr, /the value of `--input` is not JSON: .*\n {2}help: .*`name=text`/);
  });

  for (const [value, fault] of [
    ["007", "a number has no zeros before its other digits"],
    ["{a:1}", "expected a key at line 1, column 2"],
    ["Ada", "expected a value at line 1, column 1"],
    ["", "it is empty"],
  ]) {
    test(`with := report what is wrong with \`${value}\``, async (t) => {
      const { code, stderr } = await highway(t, ["run", "two.json", "-i", `who:=${value}`], {
        cwd: folder(t, files),
      });
      assert.equal(code, 2);
      assert.equal(stderr.split("\n")[0], `error: the value of \`--input\` is not JSON: ${fault}`);
    });
  }

  test("are refused with numbers that readers of JSON cannot hold", async (t) => {
    const files = { "two.json": JSON.stringify(shellWorkflow("two", { first: "true" })) };
    const cwd = folder(t, {
      ...files,
      "big.json": '{"v": [{"w": 1e400}]}',
      "long.json": `{"v": -${"9".repeat(4301)}}`,
    });
    const why = (number) => `\`${number}\` is larger than any number can be`;
    for (const [args, code, message] of [
      [
        ["run", "two.json", "-i", "v:=1e400"],
        "USAGE_INVALID",
        `the value of \`--input\` cannot be used: ${why("1e400")}`,
      ],
      [
        ["run", "two.json", "-i", 'v:={"1e400":[-2E+308]}'],
        "USAGE_INVALID",
        `the value of \`--input\` cannot be used: ${why("-2E+308")}`,
      ],
      [
        ["signal", "r", "go", "--data", "v:=1e999"],
        "USAGE_INVALID",
        `the value of \`--data\` cannot be used: ${why("1e999")}`,
      ],
      [
        ["run", "two.json", "--inputs", "big.json"],
        "FILE_UNREADABLE",
        `\`big.json\` cannot be read: ${why("1e400")}`,
      ],
      [
        ["run", "two.json", "--inputs", "long.json"],
        "FILE_UNREADABLE",
        `\`long.json\` cannot be read: ${why(`-${"9".repeat(19)}…`)}`,
      ],
    ]) {
      const told = await highway(t, [...args, "--json"], { cwd });
      const { error } = JSON.parse(told.stdout);
      assert.deepEqual([told.code, error.code, error.message], [2, code, message]);
      assert.equal(error.help, "write it as text, in quotes");
    }
    const fine = ["-i", 'v:="1e400"', "-i", "w=1e400", "-i", `x:=${"9".repeat(400)}`, "-i", "y:=1e-400"];
    assert.equal((await highway(t, ["run", "two.json", ...fine], { cwd })).code, 0);
  });

  test("that are missing are named", async (t) => {
    const { code, stderr } = await highway(t, ["run", "two.json"], { cwd: folder(t, files) });
    assert.equal(code, 1);
    assert.match(stderr, /✗ first: .*\n {2}help: the run has no input `who`: pass `--input who=VALUE`$/m);
    const bare = shellWorkflow("bare", { first: "echo {{who}} {{other_result.x}}" });
    const found = await highway(t, ["run", "-"], { input: JSON.stringify(bare) });
    assert.match(found.stderr, /pass `--input who=VALUE`/);
  });

  for (const [name, bytes, expected] of [
    ["a byte order mark", '\uFEFF{"who": "Ada"}'],
    ["a byte order mark in YAML", "\uFEFFwho: Ada\n"],
    ["big integers", '{"who": 9007199254740993}', "one 9007199254740993"],
    ["big integers in YAML", "who: 9007199254740993\n", "one 9007199254740993"],
  ]) {
    test(`come from a file with ${name}`, async (t) => {
      const cwd = folder(t, { ...files, in: bytes });
      assert.equal(await said(t, ["--inputs", "in"], { cwd }), expected ?? "one Ada");
      assert.equal(await said(t, ["--inputs", "-"], { cwd, input: bytes }), expected ?? "one Ada");
    });
  }

  for (const [name, bytes, message] of [
    [
      "UTF-16",
      Buffer.from('\uFEFF{"who": 1}', "utf16le"),
      /`in` is UTF-16, not UTF-8\n {2}help: save it as UTF-8/,
    ],
    ["UTF-16 without a mark", Buffer.from('{"who": 1}', "utf16le"), /`in` is UTF-16, not UTF-8/],
    ["UTF-16 of the other end", Buffer.from('\uFEFF{"who": 1}', "utf16le").swap16(), /`in` is UTF-16/],
    ["Latin-1", Buffer.from('{"who": "größer"}', "latin1"), /`in` is not text in UTF-8/],
  ]) {
    test(`in ${name} are refused`, async (t) => {
      const cwd = folder(t, { ...files, in: bytes });
      for (const args of [
        ["run", "two.json", "--inputs", "in"],
        ["validate", "in"],
      ]) {
        const { code, stderr } = await highway(t, args, { cwd });
        assert.equal(code, 2);
        assert.match(stderr, message);
      }
    });
  }

  for (const [args, message, input] of [
    [["-i", "who"], /`--input` is not of the form `name=value`: `who`/],
    [["-i", "=1"], /`--input` is not of the form/],
    [["--inputs", "nowhere.json"], /there is no file `nowhere.json`/],
    [["--inputs", "list.json"], /`list.json` does not contain an object/],
    [["--inputs", "-"], /standard input cannot be read/, "{broken"],
    [["--inputs", "-"], /cannot be read: .*line 2, column 7/, "a: 1\nb: [x]]\n"],
    [["--inputs", "-"], /standard input (does not contain an object|cannot be read)/, "just text"],
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

  test("cannot come from standard input together with the definition", async (t) => {
    const { code, stderr } = await highway(t, ["run", "-", "--inputs", "-"]);
    assert.equal(code, 2);
    assert.match(stderr, /cannot both come from standard input/);
  });
});

describe("the definition", { concurrency: 3 }, () => {
  const DRIVER = `import { Driver } from "highway-wasm";
const driver = new Driver({ name: "made", apiKey: "of-nobody", endpoint: "http://127.0.0.1:9" });
const one = driver.shell("first", "echo one {{inputs.who}}");
driver.shell("second", \`echo "\${one.result.stdout}!"\`, { depends: [one], retries: 2 });
export default driver;`;

  test("may be a driver, which runs on our engine", async (t) => {
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
});
