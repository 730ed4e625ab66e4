// The packed tarball in TypeScript projects of users: strict, and with the package's own types checked.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import { inRoot } from "../../scripts/lib/paths.mjs";
import { installed } from "./support/package.mjs";

const { dir } = await installed("types");
const dom = ["ES2022", "DOM"];
const worker = ["ES2022", "WebWorker"];

const tsc = inRoot("node_modules", "typescript", "bin", "tsc");
// The compiler inside attw: the last generation before the native one.
const olderTsc = inRoot(
  "node_modules",
  "@arethetypeswrong",
  "core",
  "node_modules",
  "typescript",
  "bin",
  "tsc",
);

let count = 0;

/** The errors of a compiler for the program in a new project, one per line. */
async function compile({ compiler = tsc, source, type = "module", types = [], ...options }) {
  count += 1;
  const project = join(dir, `project-${count}`);
  mkdirSync(project);
  const compilerOptions = {
    ...{ target: "ES2022", types, strict: true, noEmit: true, skipLibCheck: false },
    ...{
      exactOptionalPropertyTypes: true,
      noPropertyAccessFromIndexSignature: true,
      noUncheckedIndexedAccess: true,
    },
    ...options,
  };
  if (types.length > 0) compilerOptions.typeRoots = [inRoot("node_modules", "@types")];
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "a-user", type }));
  writeFileSync(
    join(project, "tsconfig.json"),
    JSON.stringify({ compilerOptions, include: ["consumer.ts"] }),
  );
  writeFileSync(join(project, "consumer.ts"), source ?? readFileSync(join(dir, "consumer.ts")));
  try {
    await promisify(execFile)(process.execPath, [compiler, "-p", project], {
      cwd: project,
      encoding: "utf8",
    });
    return [];
  } catch ({ stdout, stderr }) {
    return `${stdout}${stderr}`.trim().split("\n");
  }
}

const node16 = { module: "node16", moduleResolution: "node16" };
const bundler = { module: "esnext", moduleResolution: "bundler" };

describe("types", { concurrency: 2 }, () => {
  const projects = [
    ["an ES module, node16", { ...node16, lib: dom }],
    ["an ES module, node16, older compiler", { ...node16, lib: dom, compiler: olderTsc }],
    ["a CommonJS module, node16", { ...node16, lib: dom, type: "commonjs" }],
    ["an ES module, bundler", { ...bundler, lib: dom }],
    ["a CommonJS package, bundler", { ...bundler, module: "preserve", lib: dom, type: "commonjs" }],
    ["a worker, bundler, older compiler", { ...bundler, lib: worker, compiler: olderTsc }],
    ["a Node program without DOM", { ...node16, lib: ["ES2022"], types: ["node"] }],
  ];
  for (const [what, options] of projects) {
    it(`compile in ${what}`, async () => {
      assert.deepEqual(await compile(options), []);
    });
  }

  it("report a wrong option", async () => {
    const source = `import { Driver } from "highway-wasm";
      const driver = new Driver();
      driver.shell("hello", "echo", { depend: [] });
      driver.task("both", { shell: 1 });
      driver.build().tasks.hello.nothing;`;
    const found = await compile({ ...node16, lib: dom, source });
    const at = found.map((line) => /consumer\.ts\((\d+),/.exec(line)?.[1]).filter(Boolean);
    assert.deepEqual([...new Set(at)], ["3", "4", "5"], found.join("\n"));
  });
});
