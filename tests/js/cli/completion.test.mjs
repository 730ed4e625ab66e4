// `highway-wasm completion` in real shells: the words they offer, and the lines that the Tab key completes.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { before, describe, test } from "node:test";
import { aptInstall, hasApt } from "../../../scripts/lib/apt.mjs";
import { inRoot } from "../../../scripts/lib/paths.mjs";
import { which } from "../../../scripts/lib/run.mjs";
import { folder, highway, start, TERMINAL } from "../support/cli.mjs";

const { COMMANDS } = await import(inRoot("dist", "esm", "cli", "commands", "index.js"));
const { optionsOf } = await import(inRoot("dist", "esm", "cli", "arguments.js"));

before(async () => {
  const missing = ["zsh", "fish"].filter((shell) => !which(shell));
  if (missing.length > 0 && hasApt()) await aptInstall(missing, "completion in these shells");
});

/** Whether a shell is installed. Without it, the test is skipped with that reason. */
function has(t, shell) {
  if (which(shell)) return true;
  t.skip(`there is no ${shell}`);
  return false;
}

/** A folder with the script for a shell, and files to choose from. */
async function scripted(t, shell) {
  const { code, stdout, stderr } = await highway(t, ["completion", shell]);
  assert.deepEqual([code, stderr], [0, ""]);
  return folder(t, { script: stdout, "report.yaml": "", "a b.json": "", "mocks.json": "" });
}

/** What bash offers for a line of words whose last word is being typed. */
async function inBash(t, cwd, words) {
  const quoted = words.map((word) => `'${word}'`).join(" ");
  const line = `source ./script; COMP_WORDS=(highway-wasm ${quoted}); COMP_CWORD=${words.length}; _highway_wasm; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = await start(t, ["--norc", "-c", line], { cwd, file: which("bash") }).ended;
  assert.equal(stderr, "");
  return stdout.split("\n").filter(Boolean).sort();
}

/** What fish offers for a line. */
async function inFish(t, cwd, line) {
  const command = `source ./script; complete -C 'highway-wasm ${line}'`;
  const { stdout, stderr } = await start(t, ["--no-config", "-c", command], { cwd, file: which("fish") })
    .ended;
  assert.equal(stderr, "");
  return stdout
    .split("\n")
    .filter(Boolean)
    .map((row) => row.split("\t")[0])
    .sort();
}

describe("in bash", { concurrency: 3 }, () => {
  for (const [words, expected] of [
    [["gra"], ["graph"]],
    [["s"], ["schedules", "serve", "signal", "simulate", "status"]],
    [["help", "va"], ["validate"]],
    [["graph", "--fo"], ["--format"]],
    [
      ["graph", "--format", ""],
      ["dot", "json", "mermaid", "svg"],
    ],
    [["graph", "-f", "s"], ["svg"]],
    [["graph", "--format", "=", "sv"], ["svg"]],
    [
      ["graph", "--format", "="],
      ["dot", "json", "mermaid", "svg"],
    ],
    [["validate", "rep"], ["report.yaml"]],
    [["validate", "report.yaml", "a"], ["a b.json"]],
    [["run", "report.yaml", "--inputs", "mo"], ["mocks.json"]],
    [["run", "--input", ""], []],
    [["schedules", "p"], ["pause"]],
    [
      ["completion", ""],
      ["--debug", "--help", "--json", "--no-color", "--version", "bash", "fish", "zsh"],
    ],
    [["nothing", "x"], []],
  ]) {
    test(`\`${words.join(" ")}\` gives ${expected.join(", ") || "nothing"}`, async (t) => {
      assert.deepEqual(await inBash(t, await scripted(t, "bash"), words), expected);
    });
  }

  test("all options of all commands are offered", async (t) => {
    const cwd = await scripted(t, "bash");
    for (const command of COMMANDS) {
      const expected = Object.keys(optionsOf(command)).map((name) => `--${name}`);
      assert.deepEqual(await inBash(t, cwd, [command.name, "--"]), expected.sort());
    }
  });
});

describe("in fish", { concurrency: 3 }, () => {
  for (const [line, expected] of [
    ["gra", ["graph"]],
    ["graph --format ", ["dot", "json", "mermaid", "svg"]],
    ["graph --dir", ["--direction"]],
    ["schedules p", ["pause"]],
    ["completion ", ["bash", "fish", "zsh"]],
    ["run rep", ["report.yaml"]],
    ["run report.yaml --mo", []],
    ["simulate report.yaml --mocks moc", ["mocks.json"]],
  ]) {
    test(`\`${line}\` gives ${expected.join(", ") || "nothing"}`, async (t) => {
      if (!has(t, "fish")) return;
      assert.deepEqual(await inFish(t, await scripted(t, "fish"), line), expected);
    });
  }
});

describe("the Tab key", {
  skip: existsSync(TERMINAL) ? false : "there is no `script` program",
}, () => {
  const TAB = "\t";
  for (const [shell, args, before] of [
    ["bash", ["--norc", "--noprofile", "-i"], ""],
    [
      "zsh",
      ["-f", "-i"],
      "autoload -Uz compinit; compinit -u -D; zstyle ':completion:*' menu no; unsetopt beep\n",
    ],
  ]) {
    test(`completes commands, options, values and files in ${shell}`, async (t) => {
      if (!has(t, shell)) return;
      const cwd = await scripted(t, shell);
      const terminal = start(t, ["-qec", [which(shell), ...args].join(" "), "/dev/null"], {
        cwd,
        file: TERMINAL,
        input: null,
        env: { PS1: "READY>", HISTFILE: undefined },
      });
      // Types one line after the other, because a shell drops input that it is not ready for.
      const type = async (text, until) => {
        terminal.child.stdin.write(text);
        return await terminal.seen(until);
      };
      const show = "highway-wasm() { printf '<%s>' \"$@\"; echo END; }\n";
      await type(`${before}${show}. ./script; echo STARTED$((1+1))\n`, /STARTED2/);
      const [, graph] = await type(
        `highway-wasm gra${TAB}--form${TAB}sv${TAB}rep${TAB}\n`,
        /(<graph>.*?)END/,
      );
      assert.match(graph, /^<graph><--format(=|><)svg><report\.yaml>$/);
      const [, spaced] = await type(`highway-wasm validate a${TAB}\n`, /(<validate>.*?)END/);
      assert.equal(spaced, "<validate><a b.json>");
      terminal.child.stdin.write("exit\n");
      await terminal.ended;
    });
  }
});
