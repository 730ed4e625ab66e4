// The spellings of a key that the client and the proxy remove, like those of secrets in the engine:
// `tests/engine/secrets.rs` has the same list.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { inRoot } from "../../../scripts/lib/paths.mjs";

const { strikerOf } = await import(pathToFileURL(inRoot("dist", "esm", "shared", "spellings.js")).href);
const { secret, spellings } = JSON.parse(readFileSync(inRoot("tests", "fixtures", "spellings.json"), "utf8"));

const strike = strikerOf(secret);

for (const [what, spelled] of Object.entries(spellings)) {
  test(`a key is removed: ${what}`, () => {
    const [, inside] = /^before <([\s\S]*)> after$/.exec(strike(`before <${spelled}> after`)) ?? [];
    // Base64 mixes the first and the last character with its neighbours.
    const most = "[API key]".length + (what.startsWith("base64") ? 8 : 0);
    assert.ok(inside?.includes("[API key]") && inside.length <= most, inside);
  });
}

test("a text without the key stays unchanged, however long", () => {
  for (const part of ["\\", "%", "%25", "&amp;", "\n", "=\n", secret.slice(0, -1), "61", "97,"]) {
    const text = part.repeat(1_000_000 / part.length);
    assert.equal(strike(text), text);
  }
});
