// The maps of the tests name every file: `tests/js/README.md`, and the doc comment of each `main.rs` below `tests/`.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { inRoot } from "../../../scripts/lib/paths.mjs";

const namesIn = (ending, ...folder) =>
  readdirSync(inRoot("tests", ...folder)).filter((name) => name.endsWith(ending));

const foldersOf = (...folder) =>
  readdirSync(inRoot("tests", ...folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);

test("tests/js/README.md has a line for each file, below the heading of its folder", () => {
  const named = readFileSync(inRoot("tests/js/README.md"), "utf8")
    .split("\n## ")
    .slice(1)
    .flatMap((part) => {
      const folder = part.slice(0, part.indexOf("/"));
      return [...part.matchAll(/^- `(.+?)`: \S/gm)].map(([, name]) => `${folder}/${name}`);
    });
  const there = foldersOf("js").flatMap((folder) =>
    namesIn(".mjs", "js", folder).map((name) => `${folder}/${name}`),
  );
  assert.deepEqual(named.sort(), there.sort());
  assert.deepEqual(namesIn(".mjs", "js"), []);
});

test("each main.rs has a line for each module beside it", () => {
  const folders = foldersOf().filter((folder) => existsSync(inRoot("tests", folder, "main.rs")));
  assert.ok(folders.includes("engine"));
  for (const folder of folders) {
    const map = readFileSync(inRoot("tests", folder, "main.rs"), "utf8");
    const named = [...map.matchAll(/^\/\/! - `(.+?)`: \S/gm)].map(([, name]) => `${name}.rs`);
    const there = namesIn(".rs", folder).filter((name) => name !== "main.rs");
    assert.deepEqual(named.sort(), there.sort(), folder);
  }
  assert.deepEqual(namesIn(".rs"), []);
});
