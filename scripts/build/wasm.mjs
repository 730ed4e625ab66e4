// Rust → js/src/generated: the three artefacts (core, workflow, full), each as glue, types, optimised wasm and wasm as text.
// Stages have stamps of their own, so a change that does not reach the core leaves the core's files alone.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inRoot } from "../lib/paths.mjs";
import { run } from "../lib/run.mjs";
import { ifChanged } from "../lib/stamp.mjs";
import { step } from "../lib/step.mjs";
import { pinned } from "../lib/versions.mjs";
import { embed } from "./embed.mjs";
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
 * For the least bytes on the wire: a second pass, and no inlining of functions that are called once. Inlined they are fewer
 * bytes, but bytes that compress worse: 4 KB of the core's first load.
 */
const smallest = ["-Oz", "--one-caller-inline-max-function-size=10"];

/** cargo and wasm-bindgen, through wasm-pack, into a folder of the target directory. */
async function pack(variant, { env, route }) {
  const out = inRoot("target", "pack", variant);
  const inputs = [inRoot("src"), inRoot("Cargo.toml"), inRoot("Cargo.lock")];
  const { feature, level } = variants[variant];
  const extra = JSON.stringify([
    route.name,
    route.rustc,
    // The folder of the project is renamed in what is built, so it makes no difference.
    env.CARGO_ENCODED_RUSTFLAGS.replaceAll(inRoot(), ""),
    pinned,
    feature,
    level,
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
      const features = ["--", "--no-default-features", "--features", feature];
      return run("wasm-pack", [...args, "--out-name", variant, inRoot(), ...features], {
        env: { ...env, CARGO_PROFILE_RELEASE_OPT_LEVEL: level },
        capture: true,
      });
    }),
  );
  return out;
}

/** wasm-opt, and copies of what the facade imports. */
async function optimise(variant, packed) {
  const copies = [`${variant}.js`, `${variant}.d.ts`];
  const wasm = `${variant}_bg.wasm`;
  const outputs = [wasm, ...copies].map((file) => join(generated, file));
  const { level } = variants[variant];
  const flags = [...wasmOptFlags, `-O${level}`, ...(level === "z" ? smallest : [])];
  await ifChanged(
    `opt-${variant}`,
    { inputs: [packed], extra: `${flags.join(" ")} ${withTraps} ${withLongTexts}`, outputs },
    () =>
      step(`wasm-opt -O${level} ${wasm}`, async () => {
        const wasmOpt = inRoot("node_modules", "binaryen", "bin", "wasm-opt");
        await run(process.execPath, [wasmOpt, ...flags, join(packed, wasm), "-o", join(generated, wasm)], {
          capture: true,
        });
        for (const file of copies) {
          const text = readFileSync(join(packed, file), "utf8");
          const glue = file.endsWith(".js") ? withLongTexts(text) : text;
          writeFileSync(join(generated, file), variant === "core" ? withTraps(glue, file) : glue);
        }
      }),
  );
}

/**
 * The glue with a way to hear of a trap in the continuation of a promise. No caller is there to catch it, so it would be an unhandled
 * rejection, and the call that waits would wait for ever.
 */
function withTraps(text, file) {
  if (file.endsWith(".d.ts")) {
    return `${text}\n/** What is called with what a continuation throws. */\nexport function whenTrapped(hear: (error: unknown) => void): void;\n`;
  }
  const called = "return f(a, state.b, ...args);\n        } finally {";
  if (!text.includes(called))
    throw new Error("the glue of wasm-bindgen has another form than `withTraps` expects");
  const heard = called.replace(
    "} finally",
    "} catch (error) {\n            trapped(error);\n        } finally",
  );
  return `${text.replace(called, heard)}
let trapped = (error) => {
    throw error;
};
export function whenTrapped(hear) {
    trapped = hear;
}
`;
}

/**
 * The glue that copies long texts as a whole. That of wasm-bindgen looks at each character of what is ASCII, and for the rest sets three bytes aside
 * for each: of 20 MB it would hold the thread several times as long.
 */
function withLongTexts(text) {
  const own =
    / {4}let offset = 0;\n\n( {4}for \(; offset < len; offset\+\+\) \{.*?\n {4}\}\n) {4}if \(offset !== len\) \{\n {8}if \(offset !== 0\) \{\n *(arg = arg.slice)\(offset\);\n {8}\}\n/s;
  if (!own.test(text))
    throw new Error("the glue of wasm-bindgen has another form than `withLongTexts` expects");
  return text.replace(own, (_, loop, slice) => {
    return `    let [read, offset] = [0, 0];
    if (len > 1024) ({ read, written: offset } = cachedTextEncoder.encodeInto(arg, mem.subarray(ptr, ptr + len)));
    else {
${loop.replaceAll("offset", "read")}        offset = read;
    }
    if (read !== len) {
        ${slice}(read);
`;
  });
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

/** Brings js/src/generated up to date; `tools` is what setup() resolved with. */
export async function buildWasm(tools) {
  mkdirSync(generated, { recursive: true });
  const optimised = [];
  // One cargo at a time (they share a target folder); wasm-opt of one artefact runs beside cargo of the next.
  for (const variant of Object.keys(variants)) {
    const packed = await pack(variant, tools);
    optimised.push(optimise(variant, packed).then(() => embed(generated, variant)));
  }
  await Promise.all(optimised);
  await writeVendored(generated);
  writeContext();
  writeFileSync(join(generated, "wasm-imports.d.ts"), wasmImports);
}
