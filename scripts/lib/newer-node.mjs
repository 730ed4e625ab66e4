// A Node.js that runs TypeScript, for the tests that need one: the npm package with its program, in the cache.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { makeOnce } from "./once.mjs";
import { inCache } from "./paths.mjs";
import { run } from "./run.mjs";
import { step } from "./step.mjs";

const VERSION = "24.22.3";

/**
 * Ensures that it is installed. Returns its program; undefined if npm has none for this system or cannot be reached.
 */
export async function ensureNewerNode() {
  const name = `node-${process.platform === "win32" ? "win" : process.platform}-${process.arch}`;
  const folder = inCache("tools", `${name}-${VERSION}`);
  try {
    await makeOnce(folder, (staging) =>
      step(`npm install ${name}@${VERSION} (for tests)`, async () => {
        const args = [
          "install",
          "--prefix",
          staging,
          "--no-save",
          "--ignore-scripts",
          "--no-audit",
          "--no-fund",
        ];
        await run(process.platform === "win32" ? "npm.cmd" : "npm", [...args, `${name}@${VERSION}`], {
          capture: true,
          timeout: 300_000,
        });
      }),
    );
  } catch {
    return undefined;
  }
  const program = join(
    folder,
    "node_modules",
    name,
    "bin",
    process.platform === "win32" ? "node.exe" : "node",
  );
  return existsSync(program) ? program : undefined;
}
