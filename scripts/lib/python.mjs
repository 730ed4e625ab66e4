// The Pythons of tests/clients: for each list of requirements a virtual environment in the cache, with exactly those
// packages.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { makeOnce } from "./once.mjs";
import { inCache, inRoot } from "./paths.mjs";
import { ask, run, which } from "./run.mjs";
import { step } from "./step.mjs";

const PREFIX = "requirements-";
const folder = inRoot("tests", "clients");

/** Names of the sets: `highway-0.9.1` stands for `requirements-highway-0.9.1.txt`. */
export const clientSets = () =>
  readdirSync(folder)
    .filter((name) => name.startsWith(PREFIX))
    .map((name) => name.slice(PREFIX.length, -".txt".length))
    .sort();

/** The folder of a set's environment. Another Python or another list has another folder. */
function environmentOf(set) {
  const requirements = readFileSync(join(folder, `${PREFIX}${set}.txt`));
  const version = ask("python3", ["--version"]) ?? "";
  const hash = createHash("sha256").update(requirements).update(version).digest("hex").slice(0, 12);
  return inCache("clients", `${set}-${hash}`);
}

const pythonIn = (environment) =>
  process.platform === "win32"
    ? join(environment, "Scripts", "python.exe")
    : join(environment, "bin", "python");

/** The Python of a set; undefined if set-up has not created it. */
export function clientPython(set) {
  const python = pythonIn(environmentOf(set));
  return existsSync(python) ? python : undefined;
}

/** Why no Python client can run here; undefined if they can. */
export function whyNoClients() {
  if (!which("python3")) return "python3 is not on PATH";
  if (ask("python3", ["-c", "import venv, ensurepip"], { stdio: "pipe" }) === undefined) {
    return "this python3 has neither venv nor pip (Debian: apt-get install python3-venv)";
  }
  if (
    ask("python3", ["-c", "import sys; assert sys.version_info >= (3, 11)"], { stdio: "pipe" }) === undefined
  ) {
    return "the clients need Python 3.11 or newer";
  }
  return undefined;
}

/** Creates missing environments. The lists are complete, so that pip resolves nothing. */
export async function ensureClients() {
  for (const set of clientSets()) {
    await makeOnce(environmentOf(set), (staging) =>
      step(`pip install ${set} (tests/clients)`, async () => {
        await run("python3", ["-m", "venv", staging], { capture: true });
        const list = join(folder, `${PREFIX}${set}.txt`);
        const args = [
          "-m",
          "pip",
          "install",
          "--quiet",
          "--disable-pip-version-check",
          "--no-deps",
          "-r",
          list,
        ];
        await run(pythonIn(staging), args, { capture: true, timeout: 300_000 });
      }),
    );
  }
}
