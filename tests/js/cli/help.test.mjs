// The command line of highway-wasm: help, version, unknown words, the form of errors.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { inRoot } from "../../../scripts/lib/paths.mjs";
import { folder, highway, PROGRAM, shellWorkflow, start } from "../support/cli.mjs";

const { COMMANDS: TABLE } = await import(inRoot("dist", "esm", "cli", "commands", "index.js"));
const COMMANDS = TABLE.map(({ name }) => name);
const SECRET = "hw_k1_a-secret-that-nobody-sees";

/** Runs a command line as a shell reads it. */
const shell = (t, line) =>
  start(t, ["-c", `"$0" "$1" ${line}`, process.execPath, PROGRAM], { file: "/bin/sh" }).ended;

describe("help and version", { concurrency: 3 }, () => {
  for (const args of [["--help"], ["-h"], ["help"], ["--no-color", "--help"]]) {
    test(`${args.join(" ")} lists all commands`, async (t) => {
      const { code, stdout, stderr } = await highway(t, args);
      assert.deepEqual([code, stderr], [0, ""]);
      for (const name of COMMANDS) assert.match(stdout, new RegExp(`^ {2}${name}\\b`, "m"));
    });
  }
  for (const name of COMMANDS) {
    test(`${name} --help lists its options, whatever else is on the line`, async (t) => {
      const { code, stdout, stderr } = await highway(t, [name, "--help"]);
      assert.deepEqual([code, stderr], [0, ""]);
      assert.match(stdout, new RegExp(`^Usage: highway-wasm ${name}\\b`, "m"));
      assert.match(stdout, /^ {2}-h, --help /m);
      assert.equal((await highway(t, ["help", name])).stdout, stdout);
      assert.equal((await highway(t, [name, "a", "b", "c", "-h"])).stdout, stdout);
    });
  }
  test("a line without a command shows the help on standard error, with exit code 2", async (t) => {
    const { code, stdout, stderr } = await highway(t, []);
    assert.deepEqual([code, stdout], [2, ""]);
    assert.equal(stderr, (await highway(t, ["--help"])).stdout);
    const json = await highway(t, ["--json"]);
    assert.deepEqual([json.code, JSON.parse(json.stdout).error.message], [2, "there is no command"]);
  });

  for (const { name, examples } of TABLE) {
    test(`the examples of ${name} are valid command lines`, async (t) => {
      assert.ok(examples.length > 0);
      const { stdout } = await highway(t, [name, "--help"]);
      for (const [line, does] of examples) {
        assert.ok(stdout.includes(`  # ${does}\n  highway-wasm ${line}\n`), stdout);
        // The part after it belongs to the shell. Unknown options are refused before help is shown.
        const [own] = line.split(/ [|>]/);
        const { code, stdout: shown, stderr } = await shell(t, `${own} --help`);
        const help = own.includes("--json") ? `${JSON.parse(shown).help}` : shown;
        assert.deepEqual([code, help, stderr], [0, stdout, ""], line);
      }
    });
  }

  test("--version prints the version of the package", async (t) => {
    const { version } = JSON.parse(readFileSync(inRoot("dist", "package.json"), "utf8"));
    for (const args of [["--version"], ["-v"], ["run", "--version"]]) {
      const { code, stdout, stderr } = await highway(t, args);
      assert.deepEqual([code, stdout, stderr], [0, `${version}\n`, ""]);
    }
    const json = await highway(t, ["--version", "--json"]);
    assert.deepEqual(JSON.parse(json.stdout), { version });
  });

  for (const columns of [40, 72]) {
    test(`lines of help are at most ${columns} long, as COLUMNS says, if the output is no terminal`, async (t) => {
      for (const args of [["--help"], ["run", "--help"], ["serve", "--help"]]) {
        const { stdout } = await highway(t, args, { env: { COLUMNS: `${columns}` } });
        // A command line is never wrapped.
        const lines = stdout
          .split("\n")
          .filter((line) => !/^(Usage:| {2}(highway-wasm|export|#) )/.test(line));
        const long = lines.filter((line) => line.length > columns);
        assert.deepEqual(long, []);
        assert.ok(lines.some((line) => line.length > columns - 8));
      }
    });
  }
});

describe("wrong usage", { concurrency: 3 }, () => {
  const server = ["--endpoint", "http://127.0.0.1:9", "--api-key", "a-key-of-these-tests"];
  for (const [args, message, help] of [
    [["srve"], "there is no command `srve`", "did you mean `serve`?"],
    [["lsit"], "there is no command `lsit`", "did you mean `list`?"],
    [["RUN"], "there is no command `RUN`", "did you mean `run`?"],
    [["something"], "there is no command `something`", /^there are `init`, .*, `completion` and `help`$/],
    [["help", "rnu"], "`help` does not take `rnu`", "did you mean `run`?"],
    [["help", "run", "it"], "`help` takes no argument `it`", "highway-wasm help [COMMAND]"],
    [["run", ""], "FILE of `run` is empty", "highway-wasm run FILE"],
    [["validate", "f", ""], "FILE of `validate` is empty"],
    [["approve", "", ...server], "KEY of `approve` is empty", "highway-wasm approve KEY"],
    [["schedules", "delete", "", ...server], "SCHEDULE of `schedules` is empty"],
    [["signal", "r", "", ...server], "NAME of `signal` is empty"],
    [["run", "f", "--timeout", ""], "the value of `--timeout` is empty", "`--timeout TIME`"],
    [["--hlep"], "`highway-wasm` has no option `--hlep`", "did you mean `--help`?"],
    [["run", "f", "--inptu", "a=1"], "`highway-wasm run` has no option `--inptu`", /`--inputs?`/],
    [
      ["run", "f", "--xyzzy"],
      "`highway-wasm run` has no option `--xyzzy`",
      "`highway-wasm run --help` lists those it has",
    ],
    [["run", "f", "-x"], "`highway-wasm run` has no option `-x`"],
    [["run", "f", "--__proto__"], "`highway-wasm run` has no option `--__proto__`"],
    [["run", "f", "--endpoint"], "`--endpoint` needs a value: `--endpoint URL`"],
    [
      ["run", "f", "--endpoint", "--detach"],
      "`--endpoint` needs a value: `--endpoint URL`",
      /`--endpoint=URL`/,
    ],
    [["run", "f", "--detach=yes"], "`--detach` takes no value"],
    [["run"], "`run` needs FILE"],
    [["run", "f", "g"], "`run` takes no argument `g`"],
    [["status", ...server], "`status` needs RUN", "highway-wasm status RUN"],
    [["list", "x", ...server], "`list` takes no argument `x`"],
    [["list"], "no server is named", /--endpoint URL/],
    [["status", "r"], "no server is named"],
    [["logs", "r"], "no server is named"],
    [["cancel", "r"], "no server is named"],
    [["list", ...server.slice(0, 2)], "there is no API key", /HIGHWAY_API_KEY/],
    [
      ["list", "--status", "complete", ...server],
      "`--status` does not take `complete`",
      "did you mean `completed`?",
    ],
    [["list", "--status", "xyz", ...server], "`--status` does not take `xyz`", / and `timed_out`$/],
    [["list", "--limit", "0", ...server], "`--limit` is not a whole number from 1: `0`"],
    [["list", "--limit", "1e3", ...server], "`--limit` is not a whole number from 1: `1e3`"],
    [["list", "--endpoint", "nonsense", ...server.slice(2)], /endpoint/],
    [["graph", "f", "--format", "dto"], "`--format` does not take `dto`", "did you mean `dot`?"],
    [
      ["graph", "f", "--format", "png"],
      "`--format` does not take `png`",
      "there are `mermaid`, `dot`, `svg` and `json`",
    ],
    [["graph", "f", "--direction", "up"], "`--direction` does not take `up`", "there are `down` and `right`"],
    [["completion", "bsh"], "`completion` does not take `bsh`", "did you mean `bash`?"],
    [["completion"], "`completion` needs SHELL", "highway-wasm completion SHELL"],
    [["validate"], "`validate` needs FILE", "highway-wasm validate FILE..."],
    [["signal", "r", ...server], "`signal` needs NAME", "highway-wasm signal RUN NAME"],
    [["schedules", "pause", ...server], "`schedules pause` needs SCHEDULE"],
    [["schedules", "puase", "s", ...server], "`schedules` does not take `puase`", "did you mean `pause`?"],
    [["schedules", "list", "s", ...server], "`schedules list` takes no argument `s`"],
    [["validate", "nowhere.json"], "there is no file `nowhere.json`", /^it was looked for in `.+`$/],
    [
      ["validate", "nowhere/it.json"],
      "there is no file `nowhere/it.json`",
      "there is no folder `nowhere` either",
    ],
    [["run", "nowhere.mjs"], "there is no file `nowhere.mjs`"],
    [["run", "."], "`.` is a folder"],
  ]) {
    test(`\`${args.join(" ")}\` is an error with exit code 2`, async (t) => {
      const { code, stdout, stderr } = await highway(t, args);
      assert.equal(code, 2, stderr);
      assert.equal(stdout, "");
      const [first, ...rest] = stderr.trimEnd().split("\n");
      const said = first.replace(/^error: /, "");
      if (typeof message === "string") assert.equal(said, message);
      else assert.match(said, message);
      const advice = rest.find((line) => line.startsWith("  help: "))?.slice(8);
      if (typeof help === "string") assert.equal(advice, help);
      else if (help) assert.match(advice, help);
      assert.doesNotMatch(stderr, /\n {4}at /);
      assert.ok(!stderr.includes("\x1b"));
      const json = await highway(t, ["--json", ...args]);
      const { error } = JSON.parse(json.stdout);
      assert.deepEqual([json.code, json.stderr, error.message, error.help], [2, "", said, advice]);
      assert.match(error.code, /^[A-Z_]+$/);
    });
  }
});

describe("errors", { concurrency: 3 }, () => {
  test("are one JSON object with --json", async (t) => {
    const { code, stdout, stderr } = await highway(t, ["list", "--status", "complete", "--json"]);
    assert.deepEqual([code, stderr], [2, ""]);
    assert.deepEqual(JSON.parse(stdout), {
      error: {
        message: "`--status` does not take `complete`",
        code: "USAGE_INVALID",
        help: "did you mean `completed`?",
      },
    });
  });

  test("have a stack only with --debug", async (t) => {
    const cwd = folder(t, { "bad.mjs": "throw new RangeError('out of it');" });
    const plain = await highway(t, ["validate", "bad.mjs"], { cwd });
    assert.deepEqual(
      [plain.code, plain.stderr],
      [2, "error: `bad.mjs` could not be loaded: RangeError: out of it\n  at: bad.mjs:1:7\n"],
    );
    const debugged = await highway(t, ["validate", "bad.mjs", "--debug"], { cwd });
    assert.equal(debugged.code, 2);
    assert.match(debugged.stderr, /\n {4}at .*bad\.mjs/);
  });

  test("never repeat a key, nor does other output", async (t) => {
    const definition = shellWorkflow("leak", {
      tell: `echo ${SECRET}; env | grep HIGHWAY; echo $HIGHWAY_API_KEY >&2; exit 1`,
    });
    const cwd = folder(t, { "leak.json": definition });
    for (const [args, env] of [
      [["list", "--endpoint", "http://127.0.0.1:9", "--api-key", SECRET]],
      [["list", "--endpoint", `http://user:${SECRET}@127.0.0.1:9/`, "--api-key", SECRET]],
      [["list", "--api-key", SECRET, "--debug"]],
      [["list", "--json", "--api-key", SECRET, SECRET]],
      [[SECRET]],
      [["--json", SECRET]],
      [["list", SECRET, "--json"]],
      [["run", SECRET, "--debug"]],
      [["run", "f", `--${SECRET}`]],
      [["run", "leak.json"], { HIGHWAY_API_KEY: SECRET }],
      [["run", "leak.json", "--json"], { HIGHWAY_API_KEY: SECRET }],
    ]) {
      const { code, stdout, stderr } = await highway(t, args, { cwd, env });
      assert.ok(code > 0, args.join(" "));
      assert.ok(stdout + stderr !== "", args.join(" "));
      assert.doesNotMatch(stdout + stderr, /a-secret-that/, args.join(" "));
      if (args.includes("--json") && args[0] !== "--json") JSON.parse(stdout);
    }
  });

  test("of a server that cannot be reached say so", async (t) => {
    const env = { HIGHWAY_API_ENDPOINT: "http://127.0.0.1:9", HIGHWAY_API_KEY: "a-key-of-these-tests" };
    const { code, stderr } = await highway(t, ["list"], { env });
    assert.equal(code, 1);
    assert.match(stderr, /^error: `http:\/\/127.0.0.1:9` could not be reached.*\n {2}help: /);
  });

  test("do not come from a reader that stops early", async (t) => {
    const { execFileSync } = await import("node:child_process");
    const commands = Object.fromEntries(
      Array.from({ length: 3000 }, (_, index) => [`task_number_${index}`, "true"]),
    );
    // More than a pipe holds, so that writing fails.
    const cwd = folder(t, { "large.json": shellWorkflow("large", commands) });
    const command = `"${process.execPath}" "${PROGRAM}" graph large.json | head -1; echo "\${PIPESTATUS[0]}"`;
    const output = execFileSync("bash", ["-c", command], { encoding: "utf8", cwd, stdio: "pipe" });
    assert.equal(output, "stateDiagram-v2\n0\n");
  });
});
