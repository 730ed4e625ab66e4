// The package as users get it: packed by npm and unpacked into a temporary folder outside the repository, where no
// other package can be found by name.
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inRoot, readJson } from "../../../scripts/lib/paths.mjs";
import { ifChanged } from "../../../scripts/lib/stamp.mjs";

const tarballFile = inRoot("target", "packaging", "highway-wasm.tgz");

/** Runs npm without notices and without a network. */
export function npm(args, cwd) {
  const quiet = ["--silent", "--offline", "--no-audit", "--no-fund", "--no-update-notifier"];
  return execFileSync("npm", [...args, ...quiet], {
    cwd,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** The path of the tarball of dist/. The first test that needs it packs it. */
export async function tarball() {
  const dist = inRoot("dist");
  await ifChanged("tarball", { inputs: [dist], outputs: [tarballFile] }, () => {
    const staging = `${tarballFile}.${process.pid}`;
    mkdirSync(staging, { recursive: true });
    npm(["pack", dist, "--pack-destination", staging], staging);
    renameSync(join(staging, readdirSync(staging)[0]), tarballFile);
    rmSync(staging, { recursive: true });
  });
  return tarballFile;
}

const folders = new Set();
process.on("exit", () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A new temporary folder, which is removed when the process ends. */
export function temporaryFolder(name) {
  const folder = mkdtempSync(join(tmpdir(), `highway-wasm-${name}-`));
  folders.add(folder);
  return folder;
}

/**
 * A folder with the installed package, and copies of the programs in tests/runtimes: `dir`, `root` (the package) and
 * `manifest`. One for each test file; `name` is part of the folder's name.
 */
export async function installed(name) {
  const dir = temporaryFolder(name);
  const root = join(dir, "node_modules", "highway-wasm");
  mkdirSync(root, { recursive: true });
  execFileSync("tar", ["-xzf", await tarball(), "-C", root, "--strip-components=1"]);
  for (const file of readdirSync(inRoot("tests", "runtimes"))) {
    copyFileSync(inRoot("tests", "runtimes", file), join(dir, file));
  }
  if (!existsSync(join(root, "package.json"))) throw new Error("the tarball has no package.json");
  return { dir, root, manifest: readJson(join(root, "package.json")) };
}
