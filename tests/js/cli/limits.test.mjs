// The most that the program reads, and the limits of its engine.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { describe, test } from "node:test";
import { serve } from "highway-wasm/node";
import { folder, highway, modules, shellWorkflow, start, startServer } from "../support/cli.mjs";
import { raw, request } from "../support/raw-request.mjs";

const MIB = 1024 * 1024;
const isWindows = process.platform === "win32";
const big = shellWorkflow("big", { first: "printf %0100d 7" });
const SERVER = { HIGHWAY_API_ENDPOINT: "http://127.0.0.1:9", HIGHWAY_API_KEY: "key" };

describe("only regular files are read", { skip: isWindows, concurrency: 2 }, () => {
  for (const args of [
    ["validate"],
    ["graph"],
    ["run"],
    ["run", "big.json", "--inputs"],
    ["run", "big.json", "--tools"],
    ["simulate", "big.json", "--mocks"],
  ]) {
    for (const file of ["/dev/zero", "pipe", "pipe.mjs"]) {
      test([...args, file].join(" "), async (t) => {
        const cwd = folder(t, { "big.json": big });
        if (file !== "/dev/zero") execFileSync("mkfifo", [join(cwd, file)]);
        const { code, stderr } = await highway(t, [...args, file], { cwd, limit: 60_000 });
        const [first, second] = stderr.split("\n");
        assert.deepEqual([code, first], [2, `error: \`${file}\` is a pipe or a device`]);
        assert.match(second, /^ {2}help: .*standard input/);
      });
    }
  }
});

describe("at most 64 MiB are read of an endless input", { skip: isWindows }, () => {
  test("standard input", async (t) => {
    const { child, ended } = start(t, ["validate", "-", "--json"], { input: null, limit: 60_000 });
    const piece = Buffer.alloc(MIB, " ");
    const feed = () => {
      while (child.stdin.writable && child.stdin.write(piece));
    };
    child.stdin.on("drain", feed);
    feed();
    const { code, stdout } = await ended;
    const { error } = JSON.parse(stdout);
    assert.deepEqual([code, error.code], [2, "LIMIT_EXCEEDED"]);
    assert.match(error.message, /^standard input is larger/);
    assert.match(error.help, /\S/);
  });
});

test("a file of 64 MiB is read, a larger one is refused", async (t) => {
  const text = JSON.stringify(big);
  for (const [more, expected] of [
    [0, 0],
    [1, 2],
  ]) {
    const cwd = folder(t, { "it.json": text + " ".repeat(64 * MIB - text.length + more) });
    const { code, stderr } = await highway(t, ["run", "it.json"], { cwd });
    assert.equal(code, expected, stderr);
  }
});

describe("--limit", { concurrency: 2 }, () => {
  const files = { "big.json": big };

  test("is refused with a server: it is for an engine in this process", async (t) => {
    const args = ["run", "big.json", "--limit", "resultBytes=64"];
    const { code, stderr } = await highway(t, args, { cwd: folder(t, files), env: SERVER });
    assert.equal(code, 2);
    assert.equal(stderr, "error: `--limit` needs an engine in this process\n  help: pass `--local`\n");
    const local = await highway(t, [...args, "--local"], { cwd: folder(t, files), env: SERVER });
    assert.equal(local.code, 1);
    assert.match(local.stderr, /larger than 64 bytes/);
  });

  test("is checked, wherever the run goes", async (t) => {
    const args = ["run", "big.json", "--limit", "resultBytes"];
    for (const env of [{}, SERVER]) {
      const { code, stderr } = await highway(t, args, { cwd: folder(t, files), env });
      assert.equal(code, 2);
      assert.match(stderr, /^error: `--limit` is not NAME=VALUE: `resultBytes`$/m);
    }
  });

  test("does not change the engine of a driver", async (t) => {
    const cwd = modules(t, {
      "own.mjs": `import { Driver } from "highway-wasm";
import { LocalEngine } from "highway-wasm/engine";
const driver = new Driver({ engine: new LocalEngine({ tools: { "my.tool": () => 1 } }) });
driver.tool("one", "my.tool");
export default driver;`,
    });
    const { code, stderr } = await highway(t, ["run", "own.mjs", "--limit", "resultBytes=64"], { cwd });
    assert.equal(code, 2, stderr);
    assert.match(stderr, /^error: `--limit` does not change the engine/);
  });

  test("applies to a simulation", async (t) => {
    const cwd = folder(t, { ...files, "mocks.json": { first: { stdout: "7".repeat(100) } } });
    const args = ["simulate", "big.json", "--mocks", "mocks.json"];
    assert.equal((await highway(t, args, { cwd })).code, 0);
    const { code, stderr } = await highway(t, [...args, "--limit", "resultBytes=64"], { cwd });
    assert.equal(code, 1, stderr);
    assert.match(stderr, /larger than 64 bytes/);
  });
});

describe("serve", { concurrency: 2 }, () => {
  test("has an option for each option of the function", async (t) => {
    const { help } = await serve({ nonsense: 1 }).catch((error) => error);
    const names = [...help.matchAll(/`(\w+)`/g)].map(([, name]) => name);
    assert.ok(names.includes("bodyTimeout"), help);
    const { stdout } = await highway(t, ["serve", "--help"]);
    // The options of the engine. Each has an option on the command line, or none if its value is not text.
    const given = names
      .filter((name) => name !== "engine")
      .concat("concurrency", "keepRuns", "maxStreams", "limit");
    for (const name of given) {
      const flag = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`).replace(/-hosts$/, "-host");
      assert.match(stdout, new RegExp(`^ +(-\\w, )? *--${flag}\\b`, "m"));
    }
  });

  test("waits for a body as long as its option says", async (t) => {
    const server = await startServer(t, ["--body-timeout", "50ms", "--concurrency", "1"]);
    const head = request(
      { host: "127.0.0.1", authorization: `Bearer ${server.key}`, "content-length": 10 },
      { method: "POST", body: "{" },
    );
    const answer = await raw(new URL(server.url).port, head);
    assert.deepEqual([answer.status, answer.json().code], [408, "BODY_TIMEOUT"]);
    for (const args of [
      ["--body-timeout", "0"],
      ["--body-timeout", "soon"],
      ["--concurrency", "0"],
    ]) {
      const { code, stderr } = await highway(t, ["serve", ...args], { cwd: folder(t) });
      assert.deepEqual([code, stderr.startsWith(`error: \`${args[0]}\` is `)], [2, true], stderr);
    }
  });
});

test("a long option after a single dash is not read as short options", async (t) => {
  for (const [args, meant] of [
    [["run", "it.json", "-input", "a=1"], "--input"],
    [["serve", "-port=80"], "--port"],
    [["list", "-limit", "3"], "--limit"],
  ]) {
    const { code, stderr } = await highway(t, args);
    assert.equal(code, 2);
    assert.match(stderr, new RegExp(`has no option \`-\\w+\`\n  help: did you mean \`${meant}\`\\?`));
  }
  const cwd = folder(t, { "it.json": shellWorkflow("it", { first: "echo {{nput}}" }) });
  assert.equal((await highway(t, ["run", "it.json", "-input=1"], { cwd })).code, 2);
  for (const args of [
    ["-i", "nput=1"],
    ["-input2=1", "-i=nput=1"],
  ])
    assert.equal((await highway(t, ["run", "it.json", ...args], { cwd })).code, 0);
});

describe("help names the options of the program", { concurrency: 2 }, () => {
  const call = (tool, args = []) => ({
    ...shellWorkflow("it", { first: "" }),
    tasks: { first: { ...shellWorkflow("it", { first: "" }).tasks.first, function: tool, args } },
  });
  const files = {
    "tool.json": call("my.tool"),
    "mail.json": call("tools.email.send"),
    "secret.json": shellWorkflow("it", { first: "echo {{secrets.TOKEN}}" }),
    "big.json": big,
  };
  for (const [args, help] of [
    [["tool.json"], /^ {2}help: give a module that exports it: `--tools FILE`$/m],
    [["mail.json"], /^ {2}help: give a module that exports it, made with `emailTool\(.*: `--tools FILE`$/m],
    [["secret.json"], /^ {2}help: set `HIGHWAY_SECRET_TOKEN` in the environment of the engine$/m],
    [["big.json", "--limit", "resultBytes=64"], /^ {2}help: pass a larger `--limit resultBytes=VALUE`, or/m],
  ]) {
    test(args[0], async (t) => {
      const { stderr } = await highway(t, ["run", ...args], { cwd: folder(t, files) });
      assert.match(stderr, help);
      assert.doesNotMatch(stderr, /engine\.tool|`limits\./);
      const { stdout } = await highway(t, ["run", ...args, "--json"], { cwd: folder(t, files) });
      const { error, tasks } = JSON.parse(stdout);
      assert.match(`  help: ${tasks?.first.error.help ?? error.diagnostics?.[0].help ?? error.help}`, help);
    });
  }

  const wait = (call) => ({
    name: "waits",
    tasks: { it: { task_id: "it", operator_type: "task", function: "tools.shell.run", args: [""], ...call } },
  });
  const waiting = wait({ operator_type: "wait_for_event", event_name: "go" });
  for (const [args, definition, help] of [
    [["--unmocked", "fail"], wait({}), "give one in `--mocks FILE`, or leave `--unmocked` out"],
    [
      ["--max-time", "1s"],
      wait({ operator_type: "wait", wait_for: "PT1H" }),
      "it may never end; if it does, pass a larger `--max-time`",
    ],
    [["--at", "yesterday"], wait({}), "give it as `2030-01-31T12:00:00Z`"],
    [[], waiting, "answer it with `--signal`, `--approve` or a mock, or give the wait a time limit"],
  ]) {
    test(`simulate ${args.join(" ")}: ${help}`, async (t) => {
      const cwd = folder(t, { "it.json": definition });
      const { stdout } = await highway(t, ["simulate", "it.json", ...args, "--json"], { cwd });
      const { error, warnings = [] } = JSON.parse(stdout);
      assert.equal(error.help, help);
      for (const { help } of warnings) assert.doesNotMatch(help ?? "", /tools: \{|signals: \[|approvals: \{/);
    });
  }

  for (const [args, option, message] of [
    [["serve", "--cors", "x"], "--cors", "`x` is not an origin"],
    [["serve", "--limit", "loopItem=1"], "--limit", "there is no limit `loopItem`"],
    [["simulate", "it.json", "--limit", "loopItem=1"], "--limit", "there is no limit `loopItem`"],
    [["run", "it.json", "--limit", "loopItem=1"], "--limit", "there is no limit `loopItem`"],
    [
      ["simulate", "it.json", "--for", "7d"],
      "--for",
      "`--for` was given, but the definition has no schedule",
    ],
    [["list", "--endpoint", "http://127.0.0.1:9", "--api-key", "a b"], "--api-key", /API key/],
  ]) {
    test(`${args.join(" ")} is an error of the option ${option}`, async (t) => {
      const cwd = folder(t, { "it.json": wait({}) });
      const { code, stderr } = await highway(t, args, { cwd });
      assert.equal(code, 2, stderr);
      const [first, second] = stderr.split("\n");
      assert.equal(second, `  option: ${option}`);
      if (typeof message === "string") assert.equal(first, `error: ${message}`);
      const { stdout } = await highway(t, [...args, "--json"], { cwd });
      assert.equal(JSON.parse(stdout).error.path, option);
    });
  }

  for (const [limit, help] of [
    ["loopItem=1", /^ {2}help: did you mean `loopItems`\?$/m],
    ["nope=1", /^ {2}help: the limits are .*\bresultBytes, .*\bloopItems\b/m],
  ]) {
    test(`--limit ${limit}: ${help.source}`, async (t) => {
      const cwd = folder(t, { "it.json": wait({}) });
      const { stderr } = await highway(t, ["simulate", "it.json", "--limit", limit], { cwd });
      assert.match(stderr, help);
    });
  }

  test("a folder that another server uses is refused", async (t) => {
    const { cwd } = await startServer(t);
    const { code, stderr } = await highway(t, ["serve", "--port", "0"], { cwd });
    assert.equal(code, 1, stderr);
    assert.match(stderr, /is in use by process \d+\n {2}help: stop the other server, .*`--data DIR`$/m);
  });

  for (const data of ["file", "file/below"]) {
    for (const key of [[], ["--key", "a-key-of-my-own"]]) {
      test(`serve --data ${data} ${key.join(" ")} is refused, where \`file\` is a file`, async (t) => {
        const cwd = folder(t, { file: "text" });
        const { code, stderr } = await highway(t, ["serve", "--port", "0", "--data", data, ...key], { cwd });
        assert.deepEqual([code, stderr.split("\n")[0]], [2, `error: \`${data}\` is not a folder`]);
        assert.match(stderr, /^ {2}help: \S/m);
      });
    }
  }
});
