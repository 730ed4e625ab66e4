// Chooses the compiler for wasm32-unknown-unknown. The order: the active toolchain, if it has the target; `rustup
// target add`; another installed toolchain that has it; Debian's packages. WASM_TOOLCHAIN=debian or =rustup fixes the
// route; with =debian, nothing here calls rustup.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { debianIsInstalled, debianIsPossible, debianRoute } from "./debian.mjs";
import { cacheDir, inCache, inRoot } from "./paths.mjs";
import { ask, run, which } from "./run.mjs";
import { Failure, step } from "./step.mjs";

const target = "wasm32-unknown-unknown";

/** Whether the sysroot has a standard library for the target. */
function hasTarget(sysroot) {
  const lib = join(sysroot, "lib/rustlib", target, "lib");
  return existsSync(lib) && readdirSync(lib).some((file) => /^libstd-.*\.rlib$/.test(file));
}

function activeRoute() {
  const rustc = process.env.RUSTC ?? "rustc";
  const sysroot = ask(rustc, ["--print", "sysroot"]);
  if (sysroot === undefined || !hasTarget(sysroot)) return undefined;
  return { name: `the active toolchain (${sysroot})`, rustc: process.env.RUSTC && which(rustc) };
}

async function rustupRoute() {
  await step(`rustup target add ${target}`, () =>
    run("rustup", ["target", "add", target], { capture: true, timeout: 180_000 }),
  );
  const route = activeRoute();
  if (route === undefined)
    throw new Failure(`rustup says it added ${target}, but the active rustc does not have it.`);
  return route;
}

const oldest = readFileSync(inRoot("Cargo.toml"), "utf8").match(/^rust-version = "(\d+)\.(\d+)/m);

function newEnough(rustc) {
  const [, major, minor] = ask(rustc, ["--version"])?.match(/(\d+)\.(\d+)/) ?? [];
  return Number(major) > Number(oldest[1]) || (major === oldest[1] && Number(minor) >= Number(oldest[2]));
}

/** Another toolchain on the machine with the target: rustup's other toolchains, then those on PATH. */
function installedRoute() {
  const toolchains = join(process.env.RUSTUP_HOME ?? join(homedir(), ".rustup"), "toolchains");
  const prefixes = existsSync(toolchains)
    ? readdirSync(toolchains).map((name) => join(toolchains, name))
    : [];
  for (const dir of ["/usr/local", "/usr", "/opt/homebrew", "/opt/rust"]) prefixes.push(dir);
  for (const prefix of prefixes) {
    const rustc = join(prefix, "bin/rustc");
    if (which(rustc) && hasTarget(prefix) && newEnough(rustc))
      return { name: `the toolchain in ${prefix}`, rustc };
  }
  return undefined;
}

const nothingFits = (reasons) =>
  new Failure(
    `No compiler for ${target} could be found or made:\n${reasons.map((reason) => `  - ${reason}`).join("\n")}\n` +
      `Install one of these and run again:\n` +
      `  rustup target add ${target}\n` +
      `  Debian or Ubuntu: apt-get install rustc-web rust-web-src rust-web-clippy lld\n` +
      `  Fedora: dnf install rust rust-std-static-${target} lld`,
  );

// The file that records Debian's route once it is taken, so that rustup is not tried again on this machine.
const remembered = () => inCache("route.json");

async function rememberedDebianRoute() {
  const route = await debianRoute();
  mkdirSync(cacheDir, { recursive: true });
  writeFileSync(remembered(), "debian");
  return route;
}

async function automaticRoute() {
  const active = activeRoute();
  if (active) return active;
  const earlier = existsSync(remembered()) ? readFileSync(remembered(), "utf8") : "";
  // Also if the sysroot has to be built again because its recipe is older.
  if (earlier === "debian" && debianIsInstalled()) return debianRoute();

  const reasons = [`the active rustc has no ${target}`];
  if (which("rustup")) {
    try {
      return await rustupRoute();
    } catch (error) {
      reasons.push(error.message.trimEnd().split("\n").slice(-3).join(" "));
      console.log(`  rustup could not add it; looking further`);
    }
  } else {
    reasons.push("rustup is not installed");
  }
  const installed = installedRoute();
  if (installed) return installed;
  reasons.push("no other installed toolchain has it");
  if (!debianIsPossible()) throw nothingFits([...reasons, "this is not a Debian system (no apt-get)"]);
  try {
    return await rememberedDebianRoute();
  } catch (error) {
    throw nothingFits([...reasons, `Debian's packages: ${error.message}`]);
  }
}

/**
 * Resolves with `{ name, rustc?, clippy?, linker?, lean? }`. A missing member means cargo's default. `lean` has the
 * compiler and the flags for published builds.
 */
export async function findTarget() {
  const wanted = process.env.WASM_TOOLCHAIN || "auto";
  if (wanted === "auto") return automaticRoute();
  if (wanted === "debian") return rememberedDebianRoute();
  if (wanted === "rustup") return activeRoute() ?? rustupRoute();
  throw new Failure(`WASM_TOOLCHAIN is "${wanted}"; it may be "auto", "debian" or "rustup".`);
}

/** The folder whose `rustc` must come first in PATH for tools that look there; undefined if none must. */
export const routeBin = (route) => (route.rustc ? dirname(route.rustc) : undefined);
