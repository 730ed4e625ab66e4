// How `highway-wasm` draws: with colours and in place on a terminal, in plain lines elsewhere.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { describe, test } from "node:test";
import { inRoot } from "../../../scripts/lib/paths.mjs";
import { folder, highway, onTerminal, shellWorkflow, startServer, TERMINAL } from "../support/cli.mjs";

const skip = existsSync(TERMINAL) ? false : "there is no `script` program";
const ESC = "\x1b";
const files = {
  "two.json": shellWorkflow("two", { first: "sleep 0.3", second: "sleep 0.3" }),
  "failing.json": shellWorkflow("failing", { bad: "exit 3" }),
  "bad.json": shellWorkflow("bad", { one: "echo {{nobody_result.stdout}}" }),
};
const many = { name: "many", tasks: {} };
for (let index = 0; index < 30; index++) {
  const name = `${"task-with-a-rather-long-name-".repeat(3)}${index}`;
  many.tasks[name] = {
    task_id: name,
    operator_type: "task",
    function: "tools.shell.run",
    args: ["sleep 0.2"],
    dependencies: [],
  };
}

/** The lines on a screen of that many columns after a text. Knows the few terminal commands that are used. */
function screenOf(text, columns) {
  const lines = [""];
  let [row, column] = [0, 0];
  const put = (character) => {
    if (column === columns) [row, column] = [row + 1, 0];
    lines[row] ??= "";
    lines[row] = lines[row].padEnd(column).slice(0, column) + character + lines[row].slice(column + 1);
    column += 1;
  };
  for (const [, up, erase, below, colour, character] of text.matchAll(
    new RegExp(`${ESC}\\[(\\d+)A|${ESC}\\[(2K)|${ESC}\\[(J)|${ESC}\\[(\\d*m)|([^])`, "gu"),
  )) {
    if (up) row = Math.max(0, row - Number(up));
    else if (erase) lines[row] = "";
    else if (below) lines.length = row + 1;
    else if (colour) continue;
    else if (character === "\r") column = 0;
    else if (character === "\n") {
      row += 1;
      lines[row] ??= "";
    } else if (character === ESC) assert.fail(`an unknown command in ${JSON.stringify(text)}`);
    else put(character);
  }
  return lines.map((line) => line.trimEnd());
}

describe("on a terminal", { concurrency: 2, skip }, () => {
  test("a run is redrawn in place, with colours", async (t) => {
    const { code, stdout } = await onTerminal(t, ["run", "two.json"], { cwd: folder(t, files) }).ended;
    assert.equal(code, 0);
    assert.ok(stdout.includes(`${ESC}[36m▸${ESC}[0m first`), stdout);
    assert.ok(stdout.includes(`${ESC}[32m✓${ESC}[0m second`));
    assert.ok(stdout.includes(`${ESC}[3A`), "three lines up");
    const lines = screenOf(stdout, 100);
    assert.match(lines[0], /^run [0-9a-f-]{36}$/);
    assert.deepEqual(lines.slice(1, 3), ["  ✓ first   completed", "  ✓ second  completed"]);
    assert.match(lines[3], /^ +\d\.\d s {2}completed$/);
    assert.deepEqual(lines.slice(4, 6), ["completed", "{"]);
  });

  for (const [what, args, env] of [
    ["NO_COLOR", [], { NO_COLOR: "1" }],
    ["--no-color", ["--no-color"], {}],
  ]) {
    test(`${what} disables colours, but not the drawing`, async (t) => {
      const { code, stdout } = await onTerminal(t, ["run", "two.json", ...args], {
        cwd: folder(t, files),
        env,
      }).ended;
      assert.equal(code, 0);
      assert.ok(!new RegExp(`${ESC}\\[\\d*m`).test(stdout), stdout);
      assert.ok(stdout.includes(`${ESC}[3A`));
    });
  }

  test("an empty NO_COLOR has no effect", async (t) => {
    const { stdout } = await onTerminal(t, ["run", "two.json"], {
      cwd: folder(t, files),
      env: { NO_COLOR: "" },
    }).ended;
    assert.ok(stdout.includes(`${ESC}[32m`));
  });

  test("FORCE_COLOR enables colours without a terminal; NO_COLOR, --no-color and 0 disable them on one", async (t) => {
    const cwd = folder(t, files);
    const found = async (env, args = []) => {
      const { stdout } = await highway(t, ["validate", "bad.json", ...args], { cwd, env });
      return stdout.includes(`${ESC}[1m`);
    };
    assert.equal(await found({}), false);
    for (const value of ["1", "", "true", "3"])
      assert.equal(await found({ FORCE_COLOR: value }), true, value);
    for (const value of ["0", "false"]) assert.equal(await found({ FORCE_COLOR: value }), false, value);
    assert.equal(await found({ FORCE_COLOR: "1", NO_COLOR: "1" }), true, "as Node.js has it");
    assert.equal(await found({ FORCE_COLOR: "1" }, ["--no-color"]), false);
    const { stdout } = await onTerminal(t, ["run", "two.json"], { cwd, env: { FORCE_COLOR: "0" } }).ended;
    assert.ok(!stdout.includes(`${ESC}[32m`));
  });

  for (const columns of [40, 60, 80, 200]) {
    test(`of ${columns} columns, the lines of help fit`, async (t) => {
      for (const args of [["--help"], ["run", "--help"], ["schedules", "--help"]]) {
        const { stdout } = await onTerminal(t, args, { size: [columns, 30] }).ended;
        const [text] = stdout.replaceAll("\r", "").split(/^Examples:$/m);
        const own = text.split("\n").filter((line) => !line.startsWith("Usage: "));
        const widest = Math.max(...own.map((line) => line.length));
        assert.ok(
          widest <= Math.min(Math.max(columns, 60), 100),
          `${widest} of ${columns}: ${args.join(" ")}`,
        );
      }
    });
  }

  test("status --watch draws in place, then shows how it ended", async (t) => {
    const cwd = folder(t, files);
    const server = await startServer(t, [], { cwd });
    const { stdout: id } = await highway(t, ["run", "two.json", "--detach"], { cwd, env: server.env });
    const watched = onTerminal(t, ["status", id.trim(), "--watch"], { cwd, env: server.env });
    const { code, stdout } = await watched.ended;
    assert.equal(code, 0);
    const lines = screenOf(stdout, 100);
    assert.match(lines[0], /^ {2}✓ first {3}\w+$/);
    assert.match(lines[2], /^ +\d+\.\d s {2}completed$/);
    assert.equal(lines[3], `run        ${id.trim()}`);
  });

  test("that is dumb, lines are plain", async (t) => {
    const { code, stdout } = await onTerminal(t, ["run", "two.json"], {
      cwd: folder(t, files),
      env: { TERM: "dumb" },
    }).ended;
    assert.equal(code, 0);
    assert.ok(!stdout.includes(ESC));
    assert.match(stdout, /✓ second +completed\r\n/);
  });

  for (const size of [
    [40, 10],
    [100, 30],
  ]) {
    test(`of ${size.join(" by ")}, no line is wrapped or lost`, async (t) => {
      const cwd = folder(t, { "many.json": many });
      const { code, stdout } = await onTerminal(t, ["run", "many.json"], { cwd, size }).ended;
      assert.equal(code, 0);
      const [columns, rows] = size;
      const lines = screenOf(stdout, columns);
      const frame = lines.slice(
        lines.findIndex((line) => line.startsWith("  ")),
        lines.indexOf("completed"),
      );
      assert.ok(frame.length < rows, `${frame.length} lines`);
      for (const line of frame) assert.ok(line.length < columns, line);
      assert.match(frame.at(-2), /^ {2}… and \d+ more, 30 of 30 over$/);
      assert.match(frame.at(-1), /^ +\d+\.\d s {2}completed$/);
    });
  }

  test("failures and findings are red and yellow", async (t) => {
    const cwd = folder(t, files);
    const failing = await onTerminal(t, ["run", "failing.json"], { cwd }).ended;
    assert.equal(failing.code, 1);
    assert.ok(failing.stdout.includes(`${ESC}[31m✗ bad:${ESC}[0m the command ended`), failing.stdout);
    const found = await onTerminal(t, ["validate", "bad.json"], { cwd }).ended;
    assert.match(
      found.stdout,
      new RegExp(
        `^bad\\.json[:\\d]*: ${ESC}\\[(31merror|33mwarning)${ESC}\\[0m ${ESC}\\[1mTEMPLATE_NAME_UNKNOWN`,
      ),
    );
    const wrong = await onTerminal(t, ["lsit"], { cwd }).ended;
    assert.equal(wrong.code, 2);
    assert.ok(wrong.stdout.startsWith(`${ESC}[31merror:${ESC}[0m there is no command`));
  });

  test("--json prints only JSON", async (t) => {
    const { stdout } = await onTerminal(t, ["run", "two.json", "--json"], { cwd: folder(t, files) }).ended;
    assert.ok(!stdout.includes(ESC));
    assert.equal(JSON.parse(stdout).state, "completed");
  });

  test("Ctrl-C interrupts", async (t) => {
    const cwd = folder(t, { "slow.json": shellWorkflow("slow", { long: "sleep 60" }) });
    const run = onTerminal(t, ["run", "slow.json"], { cwd, input: null });
    await run.seen(/long/);
    run.child.stdin.write("\x03");
    const { code } = await run.ended;
    assert.equal(code, 130);
  });
});

describe("text that a terminal could interpret", () => {
  test("is shown in escaped form", async () => {
    const { printable, oneLine } = await import(inRoot("dist", "esm", "cli", "output.js"));
    assert.equal(printable("a\tb\nc größer ✓ 日本"), "a\tb\nc größer ✓ 日本");
    assert.equal(printable(`${ESC}[31m\r\x00\x7f\x9b`), "\\x1b[31m\\x0d\\x00\\x7f\\x9b");
    assert.equal(oneLine("a\n  b\n"), "a b ");
    // Text with changes of the reading direction.
    assert.equal(printable("a\u202eb\u2066c\u2028d"), "a\\u202eb\\u2066c\\u2028d");
  });

  test("is escaped in JSON, too", async () => {
    const { Output } = await import(inRoot("dist", "esm", "cli", "output.js"));
    let written = "";
    const stream = { write: (text) => (written += text) };
    const output = new Output({ stdout: stream, stderr: stream, env: {} });
    const value = { text: `a${ESC}\x07\x7f\x9b\u202e`, big: 9007199254740993n };
    output.isJson = true;
    output.json(value);
    assert.equal(written, '{"text":"a\\u001b\\u0007\\u007f\\u009b\\u202e","big":9007199254740993}\n');
  });
});
