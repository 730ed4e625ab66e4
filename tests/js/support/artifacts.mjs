// Archives of durable tasks: a server that accepts them, and a Python that reads and runs them.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { Driver } from "highway-wasm";
import { byteServer, uploadOf } from "./byte-server.mjs";
import { json } from "./fault-server.mjs";

/** Why tests with Python are skipped; false if they run. */
export const noPython = spawnSync("python3", ["--version"]).error ? "this machine has no python3" : false;

const isUpload = ({ path }) => path === "/api/v1/artifacts";

/** A server that accepts archives and workflows. `onUpload(request, count)` may return another answer to an upload. */
export async function artifactServer(t, onUpload = () => undefined) {
  let uploads = 0;
  const server = await byteServer(t, async (request) => {
    if (!isUpload(request)) return json(201, { status: "success", data: { workflow_run_id: "run-1" } });
    const answer = onUpload(request, ++uploads);
    if (answer !== undefined) return answer;
    const { bytes } = await uploadOf(request);
    const artifact_id = createHash("sha256").update(bytes).digest("hex");
    return json(201, { artifact_id, size: bytes.byteLength });
  });
  return {
    ...server,
    uploads: () => server.requests.filter(isUpload),
    submissions: () => server.requests.filter(({ path }) => path === "/api/v1/workflows"),
  };
}

/** A driver for the server. */
export const driverOn = (server, options) =>
  new Driver({ endpoint: server.url, apiKey: "test-key", retry: false, ...options });

/** The bytes of the latest upload. */
export const lastArchive = async (server) => (await uploadOf(server.uploads().at(-1))).bytes;

/** A folder with files of the given texts or bytes, which is removed after the test. */
export function folderWith(t, files) {
  const folder = mkdtempSync(join(tmpdir(), "highway-artifact-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return folder;
}

// One Python for all tests. It reads a line of JSON for each job and answers with one.
const WORKER = `
import asyncio, importlib, inspect, io, base64, json, os, sys, tempfile, zipfile

class Context:
    def __init__(self, name):
        self.name, self.variables = name, {}
    def set_variable(self, name, value):
        self.variables[name] = value

def entries(archive):
    assert archive.testzip() is None
    names = archive.namelist()
    assert len(names) == len(set(names)), "a name twice"
    return {name: archive.read(name).decode("latin-1") for name in names}

def run(archive, calls):
    known, outcomes = set(sys.modules), {}
    with tempfile.TemporaryDirectory() as folder:
        archive.extractall(folder)
        sys.path.insert(0, folder)
        importlib.invalidate_caches()
        for task, path, args, kwargs in calls:
            ctx = Context("ctx of " + task)
            try:
                module, _, function = path.rpartition(".")
                result = getattr(importlib.import_module(module), function)(ctx, *args, **kwargs)
                if inspect.iscoroutine(result):
                    result = {"awaited": asyncio.run(result)}
                outcomes[task] = {"result": result, "variables": ctx.variables}
            except BaseException as error:
                outcomes[task] = {"error": type(error).__name__ + ": " + str(error)}
        sys.path.remove(folder)
        for name in set(sys.modules) - known:
            if os.path.commonpath([folder, getattr(sys.modules[name], "__file__", None) or "/"]) == folder:
                del sys.modules[name]
    return outcomes

out = sys.stdout
sys.stdout = sys.stderr
for line in sys.stdin:
    job = json.loads(line)
    try:
        with zipfile.ZipFile(io.BytesIO(base64.b64decode(job["zip"]))) as archive:
            answer = run(archive, job["calls"]) if "calls" in job else entries(archive)
    except Exception as error:
        answer = {"failed": repr(error)}
    print(json.dumps(answer), file=out, flush=True)
`;

let worker;
let stop = () => {};

/** Ends Python; for `after` of a test file. */
export const stopPython = () => stop();

/** Has Python do a job with an archive. */
async function asked(archive, job) {
  worker ??= startWorker();
  return await worker(JSON.stringify({ zip: Buffer.from(archive).toString("base64"), ...job }));
}

function startWorker() {
  const child = spawn("python3", ["-I", "-B", "-c", WORKER], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  let last = Promise.resolve();
  stop = () => child.stdin.end();
  // One job after the other.
  return (line) => {
    const answer = last.then(async () => {
      child.stdin.write(`${line}\n`);
      const { value, done } = await lines.next();
      if (done) throw new Error("Python ended");
      const data = JSON.parse(value);
      if ("failed" in data) throw new Error(`Python: ${data.failed}`);
      return data;
    });
    last = answer.catch(() => {});
    return answer;
  };
}

/** The texts of an archive by path, in its order, as Python's zipfile reads it. Bytes are Latin-1. */
export const entriesOf = (archive) => asked(archive, {});

/**
 * Runs the durable tasks of a definition from an archive, each with its own context, as Highway's engine does. Returns
 * by task `{result, variables}`, where `variables` were set in the context, or `{error}` with the text of the
 * exception.
 */
export async function runTasks(archive, definition) {
  const calls = Object.values(definition.tasks)
    .filter(({ function: tool }) => tool === "tools.python.run")
    .map(({ task_id, args: [path, ...args], kwargs: { artifact_id, ...kwargs } }) => [
      task_id,
      path,
      args,
      kwargs,
    ]);
  return await asked(archive, { calls });
}
