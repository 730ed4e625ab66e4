// Skips work whose inputs have not changed. A stamp holds a hash of the contents of the inputs and the outputs.
// Contents instead of times, so that a fresh clone, a branch switch and a touched file are handled correctly.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { inRoot, root } from "./paths.mjs";

/** All files in the given files and folders, in a stable order. */
export function filesIn(paths) {
  return paths.flatMap((path) => {
    if (!existsSync(path)) return [];
    if (!statSync(path).isDirectory()) return [path];
    return filesIn(
      readdirSync(path)
        .sort()
        .map((name) => join(path, name)),
    );
  });
}

function hashOf(paths, extra = "") {
  const hash = createHash("sha256").update(extra);
  // Relative paths, so that a moved or copied checkout keeps what it has built.
  for (const file of filesIn(paths)) hash.update(`\0${relative(root, file)}\0`).update(readFileSync(file));
  return hash.digest("hex");
}

/**
 * Runs `work` unless `inputs` (files or folders), the text `extra` and `outputs` are unchanged since its last success.
 * Resolves with true if it ran.
 */
export async function ifChanged(name, { inputs, extra, outputs }, work) {
  const stamp = inRoot("target", "stamps", name);
  const before = hashOf(inputs, extra);
  const good = existsSync(stamp) ? readFileSync(stamp, "utf8") : "";
  if (good === `${before} ${hashOf(outputs)}`) return false;
  await work();
  // An input that changed during the work may be in the outputs or not, so the next call repeats the work.
  if (hashOf(inputs, extra) !== before) return true;
  mkdirSync(inRoot("target", "stamps"), { recursive: true });
  writeFileSync(stamp, `${before} ${hashOf(outputs)}`);
  return true;
}
