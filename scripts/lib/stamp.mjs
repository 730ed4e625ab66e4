// Nothing is made again when what it is made from did not change: a stamp holds a hash over the content of the inputs
// and of the outputs. Contents, not times: a fresh clone, a branch switch and a touched file all mean what they should.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { inRoot, root } from "./paths.mjs";

/** All files below the given files and folders, in a stable order. */
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
  // Relative, so that a checkout that is moved or copied keeps what it has built.
  for (const file of filesIn(paths)) hash.update(`\0${relative(root, file)}\0`).update(readFileSync(file));
  return hash.digest("hex");
}

/**
 * Runs `work` unless `inputs` (files or folders), the text `extra` and `outputs` are all as they were after its last
 * success. Resolves with true when it ran.
 */
export async function ifChanged(name, { inputs, extra, outputs }, work) {
  const stamp = inRoot("target", "stamps", name);
  const before = hashOf(inputs, extra);
  const good = existsSync(stamp) ? readFileSync(stamp, "utf8") : "";
  if (good === `${before} ${hashOf(outputs)}`) return false;
  await work();
  // What changed while it was being read may be in the outputs or not: then the next call does the work again.
  if (hashOf(inputs, extra) !== before) return true;
  mkdirSync(inRoot("target", "stamps"), { recursive: true });
  writeFileSync(stamp, `${before} ${hashOf(outputs)}`);
  return true;
}
