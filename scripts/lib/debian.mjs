// The wasm32 target from Debian's packages, for machines where rustup cannot download it. Debian has the compiler and
// the source of the library; the wasm32 library is built once into a sysroot in the project's cache, with wrappers that
// use it. Nothing outside the cache and the packages changes, least of all rustup. A second, lean sysroot holds the
// library for published builds: optimised for size, and a panic in it is a trap without a message.
import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { aptInstall, hasApt } from "./apt.mjs";
import { makeOnce } from "./once.mjs";
import { cargoHome, inCache } from "./paths.mjs";
import { ask, run } from "./run.mjs";
import { Failure, step } from "./step.mjs";

const rustc = "/usr/bin/rustc";
const clippy = "/usr/bin/cargo-clippy";
const rustlib = "/usr/lib/rustlib";
const target = "wasm32-unknown-unknown";

/** The version text of Debian's compiler; undefined if the compiler or the source of its library is missing. */
function compiler() {
  const text = existsSync(rustc) ? ask(rustc, ["-vV"]) : undefined;
  if (text === undefined || !existsSync(join(rustlib, "src/rust/library/std/Cargo.toml"))) return undefined;
  const field = (name) => text.match(new RegExp(`^${name}: (.*)$`, "m"))[1];
  const id = createHash("sha256").update(text).digest("hex").slice(0, 8);
  return { host: field("host"), llvm: field("LLVM version").split(".")[0], key: `${field("release")}-${id}` };
}

function executable(file, text) {
  writeFileSync(file, text);
  chmodSync(file, 0o755);
}

/** Flags to compile a program that links the lean library. Panics have no place. */
const immediateAbort = ["-Zunstable-options", "-Cpanic=immediate-abort", "-Zlocation-detail=none"];

const kinds = {
  // `test` is for wasm-bindgen-test.
  plain: { parts: ["-Zbuild-std=std,panic_abort,test"], flags: [], level: "3" },
  lean: {
    parts: ["-Zbuild-std=std", "-Zbuild-std-features=optimize_for_size"],
    flags: immediateAbort,
    level: "z",
  },
};

/** Builds std for wasm32 on an empty crate and lays out the sysroot in `staging`. `final` is where it will be. */
async function buildSysroot(staging, final, { host }, { parts, flags, level }) {
  const crate = join(staging, "build");
  mkdirSync(join(crate, "src"), { recursive: true });
  writeFileSync(
    join(crate, "Cargo.toml"),
    '[package]\nname = "empty"\nversion = "0.0.0"\nedition = "2021"\n[workspace]\n',
  );
  writeFileSync(join(crate, "src/lib.rs"), "");
  const out = join(crate, "target");
  const env = {
    ...process.env,
    RUSTC: rustc,
    RUSTC_BOOTSTRAP: "1",
    CARGO_TARGET_DIR: out,
    CARGO_PROFILE_RELEASE_OPT_LEVEL: level,
  };
  delete env.RUSTFLAGS;
  // As in wasm-env.mjs: the library's panic messages are part of what is published.
  env.CARGO_ENCODED_RUSTFLAGS = [...flags, `--remap-path-prefix=${cargoHome}=/cargo`].join("\x1f");
  const args = ["build", "--release", ...parts, "--target", target];
  await run("cargo", args, { cwd: crate, env, capture: true });

  const lib = join(staging, "lib/rustlib", target, "lib");
  mkdirSync(lib, { recursive: true });
  const deps = join(out, target, "release/deps");
  for (const file of readdirSync(deps)) {
    if (file.endsWith(".rlib") && !file.startsWith("libempty"))
      copyFileSync(join(deps, file), join(lib, file));
  }
  symlinkSync(join(rustlib, host), join(staging, "lib/rustlib", host));
  mkdirSync(join(staging, "bin"));
  // Allows unstable options only in calls that have one, and not in build scripts that look for a nightly compiler.
  const allow = 'case " $* " in *" -Zunstable-options "*) export RUSTC_BOOTSTRAP=1 ;; esac';
  executable(join(staging, "bin/rustc"), `#!/bin/sh\n${allow}\nexec ${rustc} --sysroot '${final}' "$@"\n`);
  executable(join(staging, "bin/cargo-clippy"), `#!/bin/sh\nSYSROOT='${final}' exec ${clippy} "$@"\n`);
  rmSync(crate, { recursive: true });
}

/** Increase it when buildSysroot changes, so that no sysroot of an older recipe is used. */
const recipe = 4;
const sysrootOf = ({ key }, kind) => inCache("sysroots", `debian-rustc-${key}-${recipe}-${kind}`);

function routeOf(found) {
  const bin = (kind, name) => join(sysrootOf(found, kind), "bin", name);
  return {
    name: `Debian's rustc ${found.key}`,
    rustc: bin("plain", "rustc"),
    clippy: bin("plain", "cargo-clippy"),
    linker: `/usr/bin/wasm-ld-${found.llvm}`,
    lean: { rustc: bin("lean", "rustc"), flags: immediateAbort },
  };
}

const complete = ({ rustc, lean, linker }) =>
  [rustc, lean.rustc, linker, clippy].every((file) => existsSync(file));

/** Whether the packages are installed, so that this route needs nothing from the network. */
export const debianIsInstalled = () => compiler() !== undefined && existsSync(clippy);

/** The route, if an earlier set-up prepared it; otherwise undefined. Installs and builds nothing. */
function debianRouteIfReady() {
  const found = compiler();
  const route = found && routeOf(found);
  return route && complete(route) ? route : undefined;
}

export const debianIsPossible = hasApt;

/** Installs what is missing, and builds the sysroot unless the cache has it. */
export async function debianRoute() {
  const ready = debianRouteIfReady();
  if (ready) return ready;
  const purpose = "the wasm32 target";
  if (compiler() === undefined || !existsSync(clippy)) {
    await aptInstall(["rustc-web", "rust-web-src", "rust-web-clippy"], purpose);
  }
  const found = compiler();
  if (found === undefined)
    throw new Failure(
      `${rustc} and its library source do not fit together; reinstall rustc-web and rust-web-src.`,
    );
  const route = routeOf(found);
  if (!existsSync(route.linker)) await aptInstall([`lld-${found.llvm}`], purpose);
  for (const [kind, how] of Object.entries(kinds)) {
    const sysroot = sysrootOf(found, kind);
    await makeOnce(sysroot, (staging) =>
      step(
        `build Rust's standard library (${kind}) for ${target} with ${route.name} (once per machine)`,
        () => buildSysroot(staging, sysroot, found, how),
      ),
    );
  }
  return route;
}
