// Every example of the documentation is a program that runs: the ```js blocks of the markdown files and of the @example
// tags in js/src. The text of a comment after `console.log(…);` must be a line of the output; `…` in it stands for any
// text. In markdown, `<!-- not run: reason -->` before a block excludes it.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { after, describe, it } from "node:test";
import { Workflow } from "highway-wasm";
import "highway-wasm/engine";
import { inRoot, root } from "../../../scripts/lib/paths.mjs";
import { filesIn } from "../../../scripts/lib/stamp.mjs";

const folder = inRoot("target", `docs-${process.pid}`);
/** Time limit of an example in milliseconds. */
const LIMIT = 30_000;

const fence =
  /(?:<!--\s*not run:\s*(?<reason>[\s\S]*?)\s*-->\s*\n)?^(?<indent>[ \t]*)```(?:js|javascript)\b[^\n]*\n(?<code>[\s\S]*?)^[ \t]*```/gm;

/** The blocks of a markdown text: `{ line, code, reason }`. */
function blocksOf(text) {
  return [...text.matchAll(fence)].map(({ index, groups: { reason, indent, code } }) => ({
    line: text.slice(0, index).split("\n").length,
    code: code.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
    reason,
  }));
}

/** The doc comments of a TypeScript file as markdown, with every line in its place. */
const commentsOf = (text) =>
  text
    .split(/(\/\*\*[\s\S]*?\*\/)/)
    .map((part, index) =>
      index % 2 ? part.replace(/^[ \t]*(\/\*\*|\*\/|\* ?)/gm, "") : part.replace(/[^\n]/g, ""),
    )
    .join("");

function examples() {
  const docs = inRoot("docs");
  const markdown = [inRoot("README.md"), inRoot("pkg-template", "README.md")];
  if (existsSync(docs)) {
    markdown.push(
      ...readdirSync(docs)
        .filter((name) => name.endsWith(".md"))
        .map((name) => join(docs, name)),
    );
  }
  const sources = filesIn([inRoot("js", "src")]).filter((file) => /(?<!\.d)\.ts$/.test(file));
  const found = (file, text) =>
    blocksOf(text).map((block) => ({ ...block, where: `${relative(root, file)}:${block.line}` }));
  return [
    ...markdown.filter((file) => existsSync(file)).flatMap((file) => found(file, readFileSync(file, "utf8"))),
    ...sources.flatMap((file) => found(file, commentsOf(readFileSync(file, "utf8")))),
  ];
}

/** The texts that comments after `console.log(…);` promise, in order. A call may span several lines. */
function promisesOf(code) {
  const promised = [];
  let isOpen = false;
  for (const line of code.split("\n")) {
    isOpen ||= /\bconsole\.log\(/.test(line);
    if (!isOpen || !/\);?\s*(\/\/.*)?$/.test(line)) continue;
    const [, comment] = /\)[;,)\s}]*\/\/ (.+)$/.exec(line) ?? [];
    if (comment) promised.push(comment.trim());
    isOpen = false;
  }
  return promised;
}

/** Whether a line of the output is the promised one. */
function keeps(line, promised) {
  const pattern = promised.split("…").map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^\\s*${pattern.join(".*")}\\s*$`).test(line);
}

function execute(file) {
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, HIGHWAY_API_KEY: "" };
  // No server listens on the discard port.
  env.HIGHWAY_API_ENDPOINT = "http://127.0.0.1:9";
  if (process.env.HIGHWAY_WASM_TEST_RUN) env.HIGHWAY_WASM_TEST_RUN = process.env.HIGHWAY_WASM_TEST_RUN;
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [file], {
      cwd: folder,
      env,
      timeout: LIMIT,
      killSignal: "SIGKILL",
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code: code ?? signal, stdout, stderr }));
  });
}

mkdirSync(folder, { recursive: true });
after(() => rmSync(folder, { recursive: true, force: true }));

describe("examples of the documentation", { concurrency: 4 }, () => {
  const all = examples();

  it("are found", () => {
    assert.ok(all.some(({ where }) => where.startsWith("js/src/")));
  });

  for (const [index, { where, code, reason }] of all.entries()) {
    it(where, { skip: reason && `not run: ${reason}` }, async () => {
      const file = join(folder, `${index}.mjs`);
      writeFileSync(file, code);
      const { code: exit, stdout, stderr } = await execute(file);
      assert.equal(exit, 0, `${where} ended with ${exit}\n${stdout}${stderr}`);
      const lines = stdout.split("\n");
      for (const promised of promisesOf(code)) {
        assert.ok(
          lines.some((line) => keeps(line, promised)),
          `${where} promises \`${promised}\`, but printed\n${stdout}`,
        );
      }
    });
  }
});

describe("definitions of the documentation", () => {
  const docs = readdirSync(inRoot("docs")).map((name) => join("docs", name));
  const found = ["README.md", ...docs].flatMap((file) =>
    [...readFileSync(inRoot(file), "utf8").matchAll(/^```yaml\n([\s\S]*?)^```/gm)]
      .map(([, text]) => ({ file, text }))
      .filter(({ text }) => /^name: /.test(text) && file !== join("docs", "diagnostics.md")),
  );

  it("are found", () => assert.ok(found.length > 1));

  for (const { file, text } of found) {
    it(`${file} has one without findings: ${/^name: (.*)/.exec(text)[1]}`, () => {
      assert.deepEqual(Workflow.check(text, "yaml"), []);
    });
  }
});

describe("the reader of the documentation", () => {
  it("finds blocks with their lines, also in lists, and those that are not run", () => {
    const text =
      "# T\n\n```js\na();\n```\n\n<!-- not run: needs a key -->\n\n```js\nb();\n```\n- x\n\n  ```js\n  c();\n  ```\n```sh\nd\n```\n```json\n{}\n```\n";
    assert.deepEqual(
      blocksOf(text).map(({ code, reason }) => [code, reason]),
      [
        ["a();\n", undefined],
        ["b();\n", "needs a key"],
        ["c();\n", undefined],
      ],
    );
    assert.equal(
      blocksOf(commentsOf('/**\n * @example\n * ```js\n * a(" * ");\n * ```\n */\nconst b = 1;\n'))[0].code,
      'a(" * ");\n',
    );
  });

  it("finds the promised output", () => {
    const code =
      'console.log("http://a"); // one\nf(() => console.log(1)); // two … three\nconsole.log(\n  1,\n); // four\nx(); // no\nconsole.log(2);\n';
    assert.deepEqual(promisesOf(code), ["one", "two … three", "four"]);
    assert.ok(keeps("two and three", "two … three"));
    assert.ok(!keeps("one more", "one"));
  });
});
