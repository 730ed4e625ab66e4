// Rust → js/src/generated: the three artefacts (core, workflow, full), each as glue, types, optimised wasm and wasm as text.
// Stages have stamps of their own, so a change that does not reach the core leaves the core's files alone.
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

/** Of each artefact the feature it is built with, and what it is optimised for: size where every page loads it, else speed. */
const variants = {
  core: { feature: "client", level: "z" },
  workflow: { feature: "workflow", level: "3" },
  full: { feature: "engine", level: "3" },
};

// Named one by one, so that a newer binaryen never emits an instruction that one of our runtimes lacks.
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
 * For the least bytes on the wire: passes as long as they change something, and no inlining of functions that are called once. Inlined they
 * are fewer bytes, but bytes that compress worse: 4 KB of the core's first load. The first kilobyte of the memory is the far end of
 * the stack, so no address of ours lies there.
 */
const smallest = ["-Oz", "--converge", "--low-memory-unused", "--one-caller-inline-max-function-size=15"];

/** cargo and wasm-bindgen, through wasm-pack, into a folder of the target directory. */
async function pack(variant, { route }, options) {
  const env = publishedEnv(route, options);
  const out = inRoot("target", "pack", variant);
  const inputs = [inRoot("src"), inRoot("Cargo.toml"), inRoot("Cargo.lock")];
  const { feature, level } = variants[variant];
  const more = options.debug ? ["panic-messages"] : [];
  const extra = JSON.stringify([
    route.name,
    env.RUSTC,
    // The folder of the project is renamed in what is built, so it makes no difference.
    env.CARGO_ENCODED_RUSTFLAGS.replaceAll(inRoot(), ""),
    pinned,
    feature,
    level,
    more,
  ]);
  await ifChanged(`pack-${variant}`, { inputs, extra, outputs: [out] }, () =>
    step(`compile the ${variant} artefact to wasm`, () => {
      rmSync(out, { recursive: true, force: true });
      // `no-install`: a wasm-bindgen of the right version is on PATH, and wasm-pack may not go looking for another.
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

/** What changes the output of wasm-bindgen. */
const passes = ["glue.mjs", "imports.mjs"].map((file) => inRoot("scripts", "build", file));

/** wasm-opt, and the glue that the facade imports. */
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

// What an entry gets when it imports a .wasm file; `?module` is how edge runtimes spell it.
const wasmImports = `declare module "*.wasm" {
  const module: WebAssembly.Module;
  export default module;
}
declare module "*.wasm?module" {
  const module: WebAssembly.Module;
  export default module;
}
`;

/** The Python module that goes along with uploaded functions, so that only pages that upload some load it. */
function writeContext() {
  const text = readFileSync(inRoot("src", "builder", "driver", "highway_context.py"), "utf8");
  writeFileSync(join(generated, "context.js"), `export const context = ${JSON.stringify(text)};\n`);
  writeFileSync(join(generated, "context.d.ts"), "export declare const context: string;\n");
}

/** Brings js/src/generated up to date; `tools` is what setup() resolved with, `debug` as in build.mjs. */
export async function buildWasm(tools, { debug = false } = {}) {
  mkdirSync(generated, { recursive: true });
  const optimised = [];
  // One cargo at a time (they share a target folder); wasm-opt of one artefact runs beside cargo of the next.
  for (const variant of Object.keys(variants)) {
    const packed = await pack(variant, tools, { debug });
    optimised.push(optimise(variant, packed).then(() => embed(generated, variant)));
  }
  await Promise.all(optimised);
  await writeVendored(generated);
  writeContext();
  writeFileSync(join(generated, "wasm-imports.d.ts"), wasmImports);
}
