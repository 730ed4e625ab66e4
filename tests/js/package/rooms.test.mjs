// The rooms of js/src: imports point down only, and no files import each other in a circle.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import { describe, test } from "node:test";
import { inRoot } from "../../../scripts/lib/paths.mjs";

/** The rooms, from the ground up. Each may import those before it. A file at the top is a room. */
const ROOMS = [
  "shared",
  "wasm",
  "client",
  "driver",
  "workflow",
  "engine",
  "engine/tools",
  "engine/stores",
  "engine/requests",
  "engine/host",
  "engine/virtual",
  "testing",
  "proxy",
  "index.ts",
  "engine.ts",
  "testing.ts",
  "proxy.ts",
  "entries",
  "node",
  "node.ts",
  "cli",
];

const files = readdirSync(inRoot("js/src"), { recursive: true })
  .map((file) => file.replaceAll("\\", "/"))
  .filter((file) => file.endsWith(".ts") && !file.startsWith("generated/"));

/** The files that a file imports, except generated ones. */
function importsOf(file) {
  const text = readFileSync(inRoot("js/src", file), "utf8");
  const given = [...text.matchAll(/(?:\bfrom|\bimport\(|\bimport) ?"(\.[^"]+)\.js"/g)].map(
    ([, path]) => path,
  );
  return given
    .map((path) => `${posix.join(posix.dirname(file), path)}.ts`)
    .filter((path) => !path.startsWith("generated/"));
}

const roomOf = (file) => {
  const folder = posix.dirname(file);
  if (folder === ".") return file;
  return ROOMS.findLast((room) => folder === room || folder.startsWith(`${room}/`));
};

const imports = new Map(files.map((file) => [file, importsOf(file)]));

describe("the rooms of the facade", () => {
  test("all exist, and every file is in one", () => {
    const found = new Set(files.map(roomOf));
    assert.deepEqual([...found].sort(), [...ROOMS].sort());
  });

  test("import only those below them", () => {
    const upward = [...imports].flatMap(([file, given]) =>
      given
        .filter((other) => ROOMS.indexOf(roomOf(other)) > ROOMS.indexOf(roomOf(file)))
        .map((other) => `${file} → ${other}`),
    );
    assert.deepEqual(upward, []);
    assert.ok([...imports.values()].flat().length > 500);
  });

  test("have no files that import each other in a circle", () => {
    const left = new Map(imports);
    // Repeatedly removes files that import no remaining file. The rest form circles.
    for (let size = -1; size !== left.size; ) {
      size = left.size;
      for (const [file, given] of left) if (!given.some((other) => left.has(other))) left.delete(file);
    }
    assert.deepEqual([...left.keys()], []);
  });
});

// What a request is, the core says. `client/` and `proxy/` send requests to servers, and have to know.
test("no path of the API stands in the engine", () => {
  const PATH =
    /api\\?\/v1|["'`](workflows|artifacts|approvals|schedules)\/|\/(stream|updates|cancel|health|ping)\b|dsl_to_json/;
  const found = files
    .filter((file) => /^(engine|testing)\//.test(file))
    .flatMap((file) => {
      const lines = readFileSync(inRoot("js/src", file), "utf8").split("\n");
      // An address of a provider of language models is none of ours.
      const code = lines.filter((line) => !/^\s*(\/?\*|\/\/)/.test(line) && !line.includes('"https://'));
      return code.filter((line) => PATH.test(line)).map((line) => `${file}: ${line.trim()}`);
    });
  assert.deepEqual(found, []);
});
