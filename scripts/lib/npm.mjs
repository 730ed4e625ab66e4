// The npm development dependencies. Runs `npm ci` if they are missing or package-lock.json has changed. Install scripts
// stay disabled: esbuild, workerd and others have their binaries in packages and need none.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { inRoot } from "./paths.mjs";
import { run } from "./run.mjs";
import { step } from "./step.mjs";

/** Installs the locked dependencies unless node_modules has exactly them. */
export async function ensureNpmDependencies() {
  const stamp = inRoot("node_modules", ".highway-wasm-lock");
  const hash = createHash("sha256")
    .update(readFileSync(inRoot("package-lock.json")))
    .digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === hash) return;
  await step("npm ci (development dependencies)", async () => {
    const args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
    await run(process.platform === "win32" ? "npm.cmd" : "npm", args, { capture: true });
    writeFileSync(stamp, hash);
  });
}
