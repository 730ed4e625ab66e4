// Rust → js/src/generated: the three artefacts (core, workflow, full), each as glue, types, optimised wasm and wasm as
// text. Each stage has its own stamp, so a change outside the core does not build the core again.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inRoot } from "../lib/paths.mjs";
import { run } from "../lib/run.mjs";
import { ifChanged } from "../lib/stamp.mjs";
import { step } from "../lib/step.mjs";
import { pinned } from "../lib/versions.mjs";
import { publishedEnv } from "../lib/wasm-env.mjs";
import { embed } from "./embed.mjs";
import { withLongTexts, withTraps, withTrapTypes } from "./glue.mjs";
import { withShortImports } from "./imports.mjs";
import { writeVendored } from "./vendor.mjs";

export const generated = inRoot("js", "src", "generated");

/**
 * For each artefact the feature to build with, and the goal of the optimisation: size for the one that every page
 * loads, otherwise speed.
 */
const variants = {
  core: { feature: "client", level: "z" },
  workflow: { feature: "workflow", level: "3" },
  full: { feature: "engine", level: "3" },
};

// Listed one by one, so that a newer binaryen never emits an instruction that one of our runtimes lacks.
const wasmFeatures = [
  "mutable-globals",
  "sign-ext",
  "nontrapping-float-to-int",
  "bulk-memory",
  "multivalue",
  "reference-types",
];
const wasmOptFlags = [
  "--mvp-features",
  ...wasmFeatures.map((feature) => `--enable-${feature}`),
  "--strip-debug",
  "--strip-producers",
  "--strip-target-features",
];

/**
 * For the smallest download: passes repeat as long as they change something, and functions that are called once are not
 * inlined. Inlined, they are fewer bytes, but bytes that compress worse: 4 KB of the core's first load. No data of ours
 * has an address below 1024, because the far end of the stack is there.
 */
const smallest = ["-Oz", "--converge", "--low-memory-unused", "--one-caller-inline-max-function-size=15"];

/** Runs cargo and wasm-bindgen, through wasm-pack, in a folder of the target directory. */
async function pack(variant, { route }, options) {
  const env = publishedEnv(route, options);
  const out = inRoot("target", "pack", variant);
  const inputs = [inRoot("src"), inRoot("Cargo.toml"), inRoot("Cargo.lock")];
  const { feature, level } = variants[variant];
  const more = options.debug ? ["panic-messages"] : [];
  const extra = JSON.stringify([
    route.name,
    env.RUSTC,
    // The build renames the project's folder in its output, so the folder makes no difference.
    env.CARGO_ENCODED_RUSTFLAGS.replaceAll(inRoot(), ""),
    pinned,
    feature,
    level,
    more,
  ]);
  await ifChanged(`pack-${variant}`, { inputs, extra, outputs: [out] }, () =>
    step(`compile the ${variant} artefact to wasm`, () => {
      rmSync(out, { recursive: true, force: true });
      // `no-install`: the right version of wasm-bindgen is on PATH, and wasm-pack must not search for another.
      const args = [
        "build",
        "--mode",
        "no-install",
        "--target",
        "web",
        "--release",
        "--no-pack",
        "--out-dir",
        out,
      ];
      const features = ["--", "--no-default-features", "--features", [feature, "bindings", ...more].join()];
      return run("wasm-pack", [...args, "--out-name", variant, inRoot(), ...features], {
        env: { ...env, CARGO_PROFILE_RELEASE_OPT_LEVEL: level },
        capture: true,
      });
    }),
  );
  return out;
}

/** The scripts that change the output of wasm-bindgen. */
const passes = ["glue.mjs", "imports.mjs"].map((file) => inRoot("scripts", "build", file));

/** Runs wasm-opt, and writes the glue that the facade imports. */
async function optimise(variant, packed) {
  const [wasm, js, ts] = [`${variant}_bg.wasm`, `${variant}.js`, `${variant}.d.ts`];
  const outputs = [wasm, js, ts].map((file) => join(generated, file));
  const { level } = variants[variant];
  const flags = [...wasmOptFlags, `-O${level}`, ...(level === "z" ? smallest : [])];
  await ifChanged(`opt-${variant}`, { inputs: [packed, ...passes], extra: flags.join(" "), outputs }, () =>
    step(`wasm-opt -O${level} ${wasm}`, async () => {
      const wasmOpt = inRoot("node_modules", "binaryen", "bin", "wasm-opt");
      const made = join(generated, wasm);
      await run(process.execPath, [wasmOpt, ...flags, join(packed, wasm), "-o", made], { capture: true });
      const [glue, types] = [js, ts].map((file) => readFileSync(join(packed, file), "utf8"));
      const short = withShortImports(readFileSync(made), withLongTexts(glue));
      writeFileSync(made, short.wasm);
      writeFileSync(join(generated, js), variant === "core" ? withTraps(short.glue) : short.glue);
      writeFileSync(join(generated, ts), variant === "core" ? withTrapTypes(types) : types);
    }),
  );
}

// The type of an imported .wasm file. Edge runtimes import it with `?module`.
const wasmImports = `declare module "*.wasm" {
  const module: WebAssembly.Module;
  export default module;
}
declare module "*.wasm?module" {
  const module: WebAssembly.Module;
  export default module;
}
`;

/** Writes the Python module that is uploaded with functions, as a separate file that only such pages load. */
function writeContext() {
  const text = readFileSync(inRoot("src", "builder", "driver", "highway_context.py"), "utf8");
  writeFileSync(join(generated, "context.js"), `export const context = ${JSON.stringify(text)};\n`);
  writeFileSync(join(generated, "context.d.ts"), "export declare const context: string;\n");
}

/** Brings js/src/generated up to date. `tools` is the result of setup(); `debug` as in build.mjs. */
export async function buildWasm(tools, { debug = false } = {}) {
  mkdirSync(generated, { recursive: true });
  const optimised = [];
  // One cargo at a time, because they share a target folder. wasm-opt of one artefact runs next to cargo of the next.
  for (const variant of Object.keys(variants)) {
    const packed = await pack(variant, tools, { debug });
    optimised.push(optimise(variant, packed).then(() => embed(generated, variant)));
  }
  await Promise.all(optimised);
  await writeVendored(generated);
  writeContext();
  writeFileSync(join(generated, "wasm-imports.d.ts"), wasmImports);
}
