// Artifacts of the embedded engine: uploads by clients and forms, downloads, and use by tools.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { describe, test } from "node:test";
import { Driver, Highway } from "highway-wasm";
import { LocalEngine } from "highway-wasm/engine";
import { fileStore } from "highway-wasm/node";
import { folder } from "../support/cli.mjs";
import { checkRejection } from "../support/errors.mjs";

const BYTES = new Uint8Array([...Array(256).keys(), ...Buffer.from("größe"), 0xff, 0xfe, 0]);
const ID = createHash("sha256").update(BYTES).digest("hex");
const URL_ = "http://engine/api/v1/artifacts";

function engineOf(t, options) {
  const engine = new LocalEngine(options);
  t.after(() => engine.close());
  return engine;
}

const post = async (engine, body, type, url = URL_) => {
  const headers = type === undefined ? {} : { "content-type": type };
  const response = await engine.fetch(url, { method: "POST", headers, body });
  return { ...(await response.json()), status: response.status };
};

describe("an upload", () => {
  test("as a form, as bytes and as JSON gives one artifact, whose id is at the top level", async (t) => {
    const engine = engineOf(t);
    const form = new FormData();
    form.append("note", "not the artifact");
    form.append("artifact", new Blob([BYTES], { type: "application/zip" }), "tasks.zip");
    const uploads = [
      await post(engine, form),
      await post(engine, BYTES, "application/zip"),
      await post(engine, BYTES),
      await post(engine, BYTES, "application/octet-stream", `${URL_}/`),
      await post(
        engine,
        JSON.stringify({ content: Buffer.from(BYTES).toString("base64") }),
        "application/json",
      ),
    ];
    for (const { status, artifact_id, size, data } of uploads) {
      assert.deepEqual([status, artifact_id, size, data.artifact_id], [201, ID, BYTES.length, ID]);
    }
    assert.equal(uploads[0].name, "tasks.zip");
    const list = await (await engine.fetch(URL_)).json();
    assert.deepEqual([list.artifacts, list.count], [[ID], 1]);
  });

  test("takes the first file of a form without `artifact`", async (t) => {
    const engine = engineOf(t);
    const form = new FormData();
    form.append("upload", new Blob([BYTES]), "a.zip");
    assert.equal((await post(engine, form)).artifact_id, ID);
  });

  test("keeps the name of a file, and any bytes", async (t) => {
    const engine = engineOf(t);
    for (const content of [Buffer.from("\r\n--\r\n\r\n--x"), Buffer.from([0x80, 0x0a, 0xff])]) {
      const form = new FormData();
      form.append("artifact", "text");
      form.append("artifact", new Blob([content], { type: "application/zip" }), 'a "b"; name="größe.zip');
      const { artifact_id, name } = await post(engine, form);
      assert.equal(artifact_id, createHash("sha256").update(content).digest("hex"));
      assert.equal(name, 'a "b"; name="größe.zip');
    }
    const parts = [
      "before",
      "content-disposition:form-data;filename=b.zip;name=artifact\r\ncontent-type:application/zip\r\n\r\nB",
    ];
    const plain = `${parts.join("\r\n--x y\r\n")}\r\n--x y--\r\nbehind`;
    const { name, size, content_type } = await post(engine, plain, 'Multipart/form-data; boundary="x y"');
    assert.deepEqual([name, size, content_type], ["b.zip", 1, "application/zip"]);
  });

  test("of a form with many parts or many headers is refused before they are read", async (t) => {
    const engine = engineOf(t);
    const file = 'content-disposition: form-data; name="artifact"; filename="a"\r\n\r\nx';
    const field = "--x\r\ncontent-disposition: form-data; name=a\r\n\r\n\r\n";
    for (const before of [
      field.repeat(3_000),
      `${field.slice(0, -6)}${"\r\na: b".repeat(20_000)}\r\n\r\n\r\n`,
    ]) {
      const answer = await post(
        engine,
        `${before}--x\r\n${file}\r\n--x--\r\n`,
        "multipart/form-data; boundary=x",
      );
      assert.deepEqual([answer.status, answer.code], [400, "BODY_INVALID"]);
      assert.match(answer.message, /headers are longer than 65536 bytes/);
    }
  });

  test("that is empty, broken or too large is refused", async (t) => {
    const engine = engineOf(t);
    const empty = new FormData();
    empty.append("artifact", "text, not a file");
    const broken = ["no form at all", "multipart/form-data; boundary=x"];
    for (const args of [[undefined], [empty], broken, ["", "application/zip"], ["{", "application/json"]]) {
      const { status, code, message } = await post(engine, ...args);
      assert.deepEqual([status, code], [400, "BODY_INVALID"]);
      assert.ok(message.length > 10);
    }
    const large = await post(engine, randomBytes(8 * 1024 * 1024 + 1), "application/zip");
    assert.deepEqual([large.status, large.code], [413, "ARTIFACT_TOO_LARGE"]);
    assert.match(large.message, /larger than 8388608 bytes/);
    assert.equal((await post(engine, randomBytes(8 * 1024 * 1024), "application/zip")).status, 201);
  });
});

test("the client uploads, lists, downloads and deletes", async (t) => {
  const highway = new Highway({ engine: engineOf(t) });
  assert.equal(await highway.artifacts.upload(BYTES, { filename: "tasks.zip" }), ID);
  assert.deepEqual(await highway.artifacts.list(), [ID]);
  assert.deepEqual(await highway.artifacts.download(ID), BYTES);
  assert.equal(await highway.artifacts.exists(ID), true);
  await highway.artifacts.delete(ID);
  assert.equal(await highway.artifacts.exists(ID), false);
  for (const call of ["download", "delete"]) {
    await checkRejection(highway.artifacts[call](ID), { name: "ApiError", code: "API_NOT_FOUND" });
  }
});

test("a download has its media type and size", async (t) => {
  const engine = engineOf(t);
  const form = new FormData();
  form.append("artifact", new Blob([BYTES], { type: "application/zip" }), "my tasks.zip");
  await post(engine, form);
  const response = await engine.fetch(`${URL_}/${ID}`);
  assert.equal(response.headers.get("content-type"), "application/zip");
  assert.equal(response.headers.get("content-disposition"), 'attachment; filename="my tasks.zip"');
  assert.equal(response.headers.get("content-transfer-encoding"), null);
  assert.deepEqual(new Uint8Array(await response.arrayBuffer()), BYTES);
});

test("artifacts survive the engine in its store, and deleted ones do not", async (t) => {
  const path = folder(t);
  const first = new LocalEngine({ store: fileStore(path) });
  const highway = new Highway({ engine: first });
  await highway.artifacts.upload(BYTES);
  await highway.artifacts.delete(await highway.artifacts.upload(BYTES.slice(1)));
  await first.close();
  const again = new Highway({ engine: engineOf(t, { store: fileStore(path) }) });
  assert.deepEqual(await again.artifacts.list(), [ID]);
  assert.deepEqual(await again.artifacts.download(ID), BYTES);
});

describe("a tool", () => {
  test("reads artifacts, and gets an error for an unknown one", async (t) => {
    const engine = engineOf(t, {
      tools: {
        "read.it": async ({ args: [id] }, context) => ({ size: (await context.artifact(id)).length }),
      },
    });
    const id = await new Highway({ engine }).artifacts.upload(BYTES);
    const reading = (task_id, artifact) => ({
      task_id,
      operator_type: "task",
      dependencies: [],
      function: "read.it",
      args: [artifact],
      result_key: `${task_id}_result`,
      retry_policy: { max_attempts: 3, initial_interval_seconds: 0.01 },
    });
    const tasks = { there: reading("there", id), gone: reading("gone", "none") };
    const result = await new Driver({ engine }).run({ workflow: { name: "reading", tasks } });
    assert.equal(result.tasks.there.result.size, BYTES.length);
    const { error, attempts } = result.tasks.gone;
    assert.match(error.message, /there is no artifact `none`/);
    assert.equal(error.code, "ARTIFACT_NOT_FOUND");
    assert.equal(attempts ?? 1, 1, "no further attempt finds it");
  });

  test("reads the variables of its run; setting them and emitting events takes effect with its result", async (t) => {
    const attempts = [];
    const engine = engineOf(t, {
      tools: {
        "count.up": (_, { attempt, variables, setVariable, emitEvent }) => {
          attempts.push(variables());
          setVariable("counter", attempt);
          setVariable("list", [1, { two: null }]);
          emitEvent("counted", { attempt });
          // The changes of a failed attempt have no effect.
          if (attempt === 1) throw new Error("once more");
        },
        "look.at": (_, { variables }) => variables(),
      },
    });
    const driver = new Driver({ engine });
    driver.task("up", { tool: "count.up", retries: 1, retryDelay: 0.01 });
    driver.waitFor("heard", { event: "counted", depends: ["up"] });
    driver.task("look", { tool: "look.at", depends: ["heard"] });
    const result = await driver.run({ inputs: { counter: 0 } });
    assert.deepEqual(
      attempts.map(({ counter }) => counter),
      [0, 0],
    );
    assert.equal(result.tasks.heard.result.attempt, 2);
    assert.deepEqual(result.tasks.look.result, { counter: 2, list: [1, { two: null }] });
  });

  test("can set only plain data", async (t) => {
    const errors = [];
    const tools = {
      odd: (_, { setVariable, emitEvent }) => {
        for (const work of [() => setVariable("f", () => {}), () => emitEvent("e", Number.NaN)]) {
          try {
            work();
          } catch (error) {
            errors.push(error.code);
          }
        }
      },
    };
    const driver = new Driver({ engine: engineOf(t, { tools }) });
    driver.tool("odd", "odd");
    await driver.run();
    assert.equal(errors.length, 2);
    for (const code of errors) assert.match(code, /^[A-Z_]+$/);
  });
});
