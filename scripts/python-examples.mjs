// Runs the Python blocks of docs/python-to-javascript.md with the real packages, with the embedded engine as their
// server, and writes what they build to tests/fixtures/python-examples.json. tests/js/workflow/python-examples.test.mjs
// compares that with what the JavaScript blocks build. Run it when a Python block has changed. It needs a built
// package, python3 (3.11 or newer) and, the first time, the network.
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { makeOnce } from "./lib/once.mjs";
import { inCache, inRoot } from "./lib/paths.mjs";
import { run, tryRun } from "./lib/run.mjs";
import { Failure, isMain, main, step } from "./lib/step.mjs";

const page = inRoot("docs", "python-to-javascript.md");
export const fixture = inRoot("tests", "fixtures", "python-examples.json");

const packages = [
  "highway==0.9.1",
  "stabilize==0.12.2",
  "highway_dsl==2.2.0",
  "fastapi==0.121.0",
  "flask==3.1.2",
];

/** In the output of a block, what it built follows this marker. */
const MARKER = "@@built@@";

/** Runs the given file. The document of a driver is the one that it submitted last, or would submit. */
const harness = `
import json, runpy, sys
try:
    from highway import Driver
    build = Driver._build_workflow
    def remember(self, *args, **kwargs):
        self.document = build(self, *args, **kwargs)
        return self.document
    Driver._build_workflow = remember
except ImportError:
    pass
names = runpy.run_path(sys.argv[1])
built = {}
driver = names.get("driver")
if driver is not None and driver.tasks:
    built["document"] = getattr(driver, "document", None) or driver._build_workflow()
if "workflow" in names:
    built["document"] = json.loads(names["workflow"].to_json())
if "text" in names:
    built["text"] = names["text"]
print("${MARKER}" + json.dumps(built))
`;

/**
 * The sections of the page with blocks: `{ title, line, python?, js?, reason? }`. `reason` says why the Python block is
 * not run.
 */
export function sections() {
  const source = readFileSync(page, "utf8");
  const found = [];
  for (const { 0: heading, 1: title, index } of source.matchAll(/^### (.+)$/gm)) {
    const start = index + heading.length;
    const end = /^##/m.exec(source.slice(start))?.index ?? source.length;
    const body = source.slice(start, start + end);
    const block = (language) => new RegExp(`^\`{3}${language}\\n([\\s\\S]*?)^\`{3}`, "m").exec(body)?.[1];
    const reason = /<!-- not run: (.+?) -->\s+```python/.exec(body)?.[1];
    const line = source.slice(0, index).split("\n").length;
    found.push({ title, line, python: block("python"), js: block("js"), reason });
  }
  return found.filter(({ python, js }) => python ?? js);
}

/** Identifies a block. */
export const hashOf = (block) => createHash("sha256").update(block).digest("hex").slice(0, 16);

/** The output lines that comments after `print(…)` promise. */
const promisesOf = (block) =>
  [...block.matchAll(/^.*\bprint\(.*\) {2}# (.+)$/gm)].map(([, promised]) => promised);

async function serve() {
  const [{ LocalEngine }, { nodeTools }] = await Promise.all([
    import("highway-wasm/engine"),
    import("highway-wasm/node"),
  ]);
  const engine = new LocalEngine({ tools: { ...nodeTools(), "garden.water": ({ kwargs }) => kwargs } });
  const server = createServer(async (request, response) => {
    const { method, url, headers } = request;
    const body = await text(request);
    const answer = await engine.fetch(`http://engine${url}`, { method, headers, ...(body && { body }) });
    response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const close = async () => {
    server.closeAllConnections();
    server.close();
    await engine.close();
  };
  return { address: `http://127.0.0.1:${server.address().port}`, close };
}

async function ensurePython() {
  const venv = inCache(`python-examples-${hashOf(packages.join())}`);
  await makeOnce(venv, (staging) =>
    step("install the Python packages", async () => {
      await run("python3", ["-m", "venv", staging], { capture: true });
      const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...packages];
      await run(join(staging, "bin", "python"), pip, { capture: true });
    }),
  );
  return join(venv, "bin", "python");
}

/** What a block built. Each block runs in its own folder, because the driver keeps a database there. */
async function execute({ title, python }, interpreter, address) {
  const folder = mkdtempSync(join(tmpdir(), "highway-wasm-python-"));
  try {
    writeFileSync(join(folder, "block.py"), python);
    writeFileSync(join(folder, "harness.py"), harness);
    const env = {
      ...process.env,
      HIGHWAY_API_KEY: "hw_k1_local",
      HIGHWAY_API_ENDPOINT: address,
    };
    const options = { cwd: folder, env, capture: true, timeout: 60_000 };
    const { code, output } = await tryRun(interpreter, ["harness.py", "block.py"], options);
    const [printed, built] = output.split(MARKER);
    if (code !== 0) throw new Failure(`${title}: exit code ${code}\n${output}`);
    const lines = printed.split("\n");
    for (const promised of promisesOf(python)) {
      if (!lines.includes(promised)) {
        throw new Failure(`${title}: promises \`${promised}\`, but printed\n${printed}`);
      }
    }
    return JSON.parse(built);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function makeFixture() {
  const interpreter = await ensurePython();
  const { address, close } = await serve();
  try {
    const blocks = sections().filter(({ python, reason }) => python && !reason);
    const records = {};
    // One after the other: the driver is slow, and this script runs seldom.
    for (const block of blocks) {
      const built = await step(block.title, () => execute(block, interpreter, address));
      records[block.title] = { python: hashOf(block.python), ...built };
    }
    mkdirSync(join(fixture, ".."), { recursive: true });
    writeFileSync(fixture, `${JSON.stringify(records, null, 2)}\n`);
  } finally {
    await close();
  }
  const biome = inRoot("node_modules", "@biomejs", "biome", "bin", "biome");
  await run(process.execPath, [biome, "format", "--write", fixture], { capture: true });
}

if (isMain(import.meta.url)) await main(makeFixture);
