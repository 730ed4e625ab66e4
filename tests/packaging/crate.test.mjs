// The crate as `cargo publish` packs it.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { it } from "node:test";
import { inRoot } from "../../scripts/lib/paths.mjs";

/** The output of `cargo package`, both streams. */
function pack(...more) {
  const args = [
    "package",
    "--offline",
    "--allow-dirty",
    "--no-verify",
    "--target-dir",
    inRoot("target", "crate"),
  ];
  const { status, stdout, stderr } = spawnSync("cargo", [...args, ...more], {
    cwd: inRoot(),
    encoding: "utf8",
  });
  assert.equal(status, 0, stderr);
  return { stdout, stderr };
}

it("packs the sources of the crate and nothing else", () => {
  assert.match(pack().stderr, /Packaged \d+ files/);
  const files = pack("--list").stdout.trim().split("\n");
  const own =
    /^(src\/\S+|Cargo\.(toml|toml\.orig|lock)|\.cargo_vcs_info\.json|LICENSE|README\.md|CHANGELOG\.md)$/;
  assert.deepEqual(
    files.filter((file) => !own.test(file)),
    [],
  );
  assert.ok(files.includes("src/lib.rs"));
});
