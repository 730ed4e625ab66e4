// The inputs of a run: checked by a schema if there is one, and never what the server itself sets. Also the bodies that
// contain them.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { LocalEngine } from "highway-wasm/engine";
import { OF_ENGINE } from "../../../dist/esm/proxy/engine-names.js";
import {
  allowing,
  checkRefusal,
  definitionOf,
  greeting,
  proxyFor,
  schemaOf,
  serve,
  upstream,
} from "../support/proxy.mjs";

const named = { name: "greeting" };
const withSchema = (validate) => proxyFor({ allow: allowing(["submit"], { inputs: schemaOf(validate) }) });
const withVariables = (variables, more = {}) => {
  const workflow = { ...greeting, variables };
  return proxyFor({ allow: { greeting: { verbs: ["submit"], workflow, ...more } } });
};
const submit = (ask, inputs) => ask("POST workflows", { body: { workflow_definition: named, inputs } });

/** A schema as a library would write it: an object with an address and a number, which may also be text. */
function order(value) {
  const issues = [];
  if (typeof value.to !== "string" || !/^[^@]+@[^@]+$/.test(value.to))
    issues.push({ message: "is no address", path: ["to"] });
  const items = (Array.isArray(value.items) ? value.items : []).map(({ count }, at) => {
    if (Number.isNaN(Number(count)))
      issues.push({ message: "is no number", path: ["items", at, { key: "count" }] });
    return { count: Number(count) };
  });
  return issues.length > 0 ? { issues } : { value: { to: value.to.toLowerCase(), items, by: "the proxy" } };
}

describe("a schema", { concurrency: true }, () => {
  test("its output is what runs", async () => {
    const { ask, server } = withSchema(order);
    const inputs = { to: "ADA@Example.org", items: [{ count: "3", hidden: true }], cc: "eve@example.org" };
    assert.equal((await submit(ask, inputs)).status, 200);
    const made = { to: "ada@example.org", items: [{ count: 3 }], by: "the proxy" };
    assert.deepEqual(server.seen[0].json, {
      workflow_definition: { ...greeting, variables: made },
      inputs: made,
    });
  });

  test("its issues are reported with the paths of all mistakes", async () => {
    const { ask, server } = withSchema(order);
    const answer = checkRefusal(
      await submit(ask, { to: "x", items: [{}, { count: "y" }] }),
      422,
      "INPUTS_INVALID",
    );
    assert.equal(answer.message, "inputs.to: is no address");
    assert.deepEqual(answer.json.details, [
      { field: "inputs.to", message: "is no address" },
      { field: "inputs.items.0.count", message: "is no number" },
      { field: "inputs.items.1.count", message: "is no number" },
    ]);
    assert.equal(server.seen.length, 0);
  });

  test("issues without a path, with a symbol in it, and none at all", async () => {
    for (const [issues, message] of [
      [[{ message: "no" }], "inputs: no"],
      [[{ message: "no", path: [Symbol("x"), { key: 1 }] }], "inputs.Symbol(x).1: no"],
      [[], "inputs: invalid"],
    ]) {
      const { ask } = withSchema(() => ({ issues }));
      assert.equal(checkRefusal(await submit(ask, {}), 422, "INPUTS_INVALID").message, message);
    }
  });

  test("it may be asynchronous", async () => {
    const { ask, server } = withSchema(async ({ to }) => {
      await new Promise((resolve) => setTimeout(resolve, 10));
      return to === "Ada" ? { value: { to: "ada" } } : { issues: [{ message: "is nobody", path: ["to"] }] };
    });
    assert.equal((await submit(ask, { to: "Ada" })).status, 200);
    assert.deepEqual(server.seen[0].json.inputs, { to: "ada" });
    checkRefusal(await submit(ask, { to: "Eve" }), 422, "INPUTS_INVALID");
  });

  test("it gets an empty object without inputs, and is called as a method", async () => {
    const given = [];
    const inputs = {
      "~standard": {
        version: 1,
        vendor: "test",
        validate(value) {
          given.push([value, this === inputs["~standard"]]);
          return { value };
        },
      },
    };
    const { ask } = proxyFor({ allow: allowing(["submit"], { inputs }) });
    for (const body of [{ workflow_definition: named }, { workflow_definition: named, inputs: null }])
      assert.equal((await ask("POST workflows", { body })).status, 200);
    assert.deepEqual(given, [
      [{}, true],
      [{}, true],
    ]);
  });

  test("one that returns no object is refused", async () => {
    for (const value of [null, undefined, "text", 5, [1]])
      checkRefusal(await submit(withSchema(() => ({ value })).ask, {}), 422, "INPUTS_INVALID");
  });

  test("it does not get inputs that are not an object", async () => {
    let calls = 0;
    const { ask, server } = withSchema((value) => {
      calls += 1;
      return { value };
    });
    for (const inputs of [[], "x", 5, true, [{}]])
      checkRefusal(await submit(ask, inputs), 400, "BODY_INVALID");
    assert.deepEqual([calls, server.seen.length], [0, 0]);
  });

  test("it does not get Highway's own names, but may return them", async () => {
    const { ask, server } = withSchema((value) => ({ value: { ...value, _artifact_id: "of-the-server" } }));
    checkRefusal(await submit(ask, { _artifact_id: "of-the-page" }), 422, "INPUTS_INVALID");
    assert.equal((await submit(ask, { to: "Ada" })).status, 200);
    assert.deepEqual(
      server.seen.map(({ json }) => json.inputs),
      [{ to: "Ada", _artifact_id: "of-the-server" }],
    );
  });
});

describe("without a schema", { concurrency: true }, () => {
  test("all inputs are accepted, whatever they are", async () => {
    const { ask, server } = proxyFor();
    const inputs = {
      a: [1, { b: null }],
      constructor: 1,
      toString: "x",
      größe: "✓",
      "": 0,
      "a.b": { __x__: true },
    };
    assert.equal((await submit(ask, inputs)).status, 200);
    assert.deepEqual(server.seen[0].json.inputs, inputs);
  });

  for (const name of ["_artifact_id", "_", "__proto__", "_x"]) {
    test(`except Highway's own names: ${name}`, async () => {
      const { ask, server } = proxyFor();
      const body = `{"workflow_definition":{"name":"greeting"},"inputs":{"to":"Ada","${name}":{"x":1}}}`;
      const { json } = checkRefusal(await ask("POST workflows", { body }), 422, "INPUTS_INVALID");
      assert.deepEqual(json.details, [{ field: `inputs.${name}`, message: "it is set by the server" }]);
      assert.equal(server.seen.length, 0);
    });
  }

  test("and those that the definition sets", async () => {
    const { ask, server } = withVariables({ from: "us", list: [{ a: 1 }], _artifact_id: "a-1" });
    for (const [name, value] of Object.entries({ from: "me", list: [{ a: 2 }], _artifact_id: "a-2" }))
      checkRefusal(await submit(ask, { [name]: value }), 422, "INPUTS_INVALID");
    assert.equal(server.seen.length, 0);
  });

  test("which may be sent unchanged, as a driver does", async () => {
    const variables = { from: "us", list: [{ a: 1, b: 2 }], _artifact_id: "a-1" };
    const { ask, server } = withVariables(variables);
    assert.equal((await submit(ask, { ...variables, list: [{ b: 2, a: 1 }], to: "Ada" })).status, 200);
    assert.deepEqual(server.seen[0].json.workflow_definition.variables, { ...variables, to: "Ada" });
  });

  test("variables of a page's definition are inputs, with the same rules", async () => {
    const { ask, server } = withVariables({ from: "us" });
    const send = (variables, inputs) =>
      ask("POST workflows", { body: { workflow_definition: { ...named, variables }, inputs } });
    for (const variables of [{ from: "me" }, { _artifact_id: "of-the-page" }])
      checkRefusal(await send(variables), 422, "INPUTS_INVALID");
    assert.equal(server.seen.length, 0);
    assert.equal((await send({ from: "us", to: "Eve", cc: "Bob" }, { to: "Ada" })).status, 200);
    assert.deepEqual(server.seen[0].json, {
      workflow_definition: { ...greeting, variables: { from: "us", to: "Ada", cc: "Bob" } },
      inputs: { to: "Ada", cc: "Bob" },
    });
    for (const variables of [null, [], "x", 5]) assert.equal((await send(variables)).status, 200);
  });

  test("names of properties that every object has are not set by the definition", async () => {
    const { ask } = withVariables({ from: "us" });
    assert.equal((await submit(ask, { constructor: "x", valueOf: "y" })).status, 200);
  });
});

test("with a schema the variables of a page's definition are checked as inputs", async () => {
  const { ask, server } = withSchema(order);
  const body = { workflow_definition: { ...named, variables: { to: "x" } } };
  checkRefusal(await ask("POST workflows", { body }), 422, "INPUTS_INVALID");
  body.workflow_definition.variables.to = "ADA@example.org";
  assert.equal((await ask("POST workflows", { body })).status, 200);
  assert.equal(server.seen[0].json.inputs.to, "ada@example.org");
});

test("with a schema, the definition's own variables stay, unless the schema returns others", async () => {
  const inputs = schemaOf(({ to }) => ({ value: to === "Eve" ? { to, from: "the schema" } : { to } }));
  const { ask, server } = withVariables({ from: "us" }, { inputs });
  for (const [to, from] of [
    ["Ada", "us"],
    ["Eve", "the schema"],
  ]) {
    assert.equal((await submit(ask, { to, from: "us" })).status, 200);
    assert.deepEqual(server.seen.at(-1).json.workflow_definition.variables, { from, to });
  }
});

describe("names that templates use", { concurrency: true }, () => {
  const source = readFileSync(new URL("../../../src/template/names.rs", import.meta.url), "utf8");
  const [, listed] = /OF_ENGINE: \[&str; \d+\] = \[([^\]]+)\]/.exec(source);
  const names = Array.from(listed.matchAll(/"(\w+)"/g), ([, name]) => name);
  /** The places in a request from which a value reaches the inputs of a run. */
  const places = {
    inputs: (values) => ({ workflow_definition: named, inputs: values }),
    "variables of a name": (values) => ({ workflow_definition: { ...named, variables: values } }),
    "variables of a definition": (values) => ({ workflow_definition: { ...greeting, variables: values } }),
  };

  test("are those of the engine, as the core lists them", () => {
    assert.deepEqual(OF_ENGINE, names);
    assert.ok(names.includes("secrets"), `${names}`);
  });

  for (const name of [...names, "send", "sent"]) {
    test(`\`${name}\` is no input, at any place of the request`, async () => {
      const task = { ...greeting.tasks.send, result_key: "sent" };
      const own = { ...greeting, tasks: { send: task } };
      const accepting = { inputs: schemaOf((value) => ({ value })) };
      for (const more of [{}, accepting]) {
        const { ask, server } = proxyFor({
          allow: { greeting: { verbs: ["submit"], workflow: own, ...more } },
        });
        for (const [place, bodyOf] of Object.entries(places)) {
          const body = bodyOf({ to: "Ada", [name]: { TOKEN: "of the page" } });
          const { json, message } = checkRefusal(
            await ask("POST workflows", { body }),
            400,
            "INPUTS_INVALID",
          );
          assert.match(message, new RegExp(`^inputs\\.${name}: the name belongs to `), place);
          assert.deepEqual(
            json.details.map(({ field }) => field),
            [`inputs.${name}`],
          );
        }
        assert.equal(server.seen.length, 0);
      }
    });
  }

  test("are also refused as variables of a definition that runs as `any`", async () => {
    const { ask, server } = proxyFor({ allow: { greeting: { verbs: ["submit"], workflow: "any" } } });
    for (const bodyOf of Object.values(places)) {
      const body = bodyOf({ ENV: { API: "http://evil.example" } });
      checkRefusal(await ask("POST workflows", { body }), 400, "INPUTS_INVALID");
    }
    assert.equal(server.seen.length, 0);
  });

  test("may be variables of the proxy's definition, which the page sends too", async () => {
    const { ask, server } = withVariables({ run: 7 });
    assert.equal((await submit(ask, { run: 7, to: "Ada" })).status, 200);
    assert.equal(server.seen[0].json.inputs.run, 7);
    checkRefusal(await submit(ask, { run: 8 }), 400, "INPUTS_INVALID");
  });

  test("are all reported at once, and only as whole names at the top level", async () => {
    const { ask } = proxyFor();
    const { json } = checkRefusal(await submit(ask, { run: 1, ds: 2, to: 3 }), 400, "INPUTS_INVALID");
    assert.deepEqual(
      json.details.map(({ field }) => field),
      ["inputs.run", "inputs.ds"],
    );
    assert.equal((await submit(ask, { Run: 1, runs: 2, "run.id": 3, to: { run: 1, ENV: 2 } })).status, 200);
  });

  test("requests that change a run contain no inputs", async () => {
    const { ask, server } = proxyFor();
    for (const what of ["retry", "cancel", "signals", "updates"]) {
      const body = { reason: "x", inputs: { ENV: 1 }, variables: { to: 1 }, workflow_definition: greeting };
      assert.equal((await ask(`POST workflows/run-1/${what}`, { body })).status, 200);
      assert.deepEqual(server.seen.at(-1).json, { reason: "x" });
    }
  });

  test("a page can neither read an environment nor replace another name, with the embedded engine", async (t) => {
    const engine = new LocalEngine({
      env: { API: "of-the-server" },
      tools: { "mail.send": ({ kwargs }) => kwargs },
    });
    t.after(() => engine.close());
    const workflow = definitionOf("greeting", { api: "{{ENV.API}}", to: "{{inputs.to}}" });
    const { ask } = proxyFor({ fetch: engine.fetch, allow: { greeting: { verbs: ["submit"], workflow } } });
    for (const inputs of [{ ENV: { API: "x" } }, { inputs: { to: "Eve" } }])
      checkRefusal(await submit(ask, { to: "Ada", ...inputs }), 400, "INPUTS_INVALID");
    assert.equal((await submit(ask, { to: "Ada" })).status, 201);
  });
});

describe("the size of inputs", { concurrency: true }, () => {
  const sized = (bytes) => ({ to: "x".repeat(bytes - '{"to":""}'.length) });

  test("is 256 KiB at most by default, whatever else the body contains", async () => {
    const { ask, server } = proxyFor();
    const limit = 256 * 1024;
    assert.equal((await submit(ask, sized(limit))).status, 200);
    assert.match(
      checkRefusal(await submit(ask, sized(limit + 1)), 413, "INPUTS_TOO_LARGE").message,
      /262144/,
    );
    assert.equal(server.seen.length, 1);
  });

  test("may have another limit, in bytes of the schema's output", async () => {
    const { ask } = proxyFor({ maxInputsSize: 20 });
    assert.equal((await submit(ask, sized(20))).status, 200);
    checkRefusal(await submit(ask, sized(21)), 413, "INPUTS_TOO_LARGE");
    checkRefusal(await submit(ask, { to: "ÄÄÄÄÄÄ" }), 413, "INPUTS_TOO_LARGE");
    const inputs = schemaOf(({ to }) => ({ value: { to: to.repeat(100) } }));
    const { ask: other } = proxyFor({ maxInputsSize: 90, allow: allowing(["submit"], { inputs }) });
    checkRefusal(await submit(other, { to: "x" }), 413, "INPUTS_TOO_LARGE");
  });

  test("includes the variables of the page's definition", async () => {
    const { ask } = proxyFor({ maxInputsSize: 20 });
    const body = { workflow_definition: { ...named, variables: sized(30) } };
    checkRefusal(await ask("POST workflows", { body }), 413, "INPUTS_TOO_LARGE");
  });
});

describe("a body", { concurrency: true }, () => {
  const text = JSON.stringify({ workflow_definition: named, inputs: { to: "Ada" } });
  const limited = (maxBodySize) => proxyFor({ maxBodySize });
  const chunks = (...parts) => ReadableStream.from(parts.map((part) => new TextEncoder().encode(part)));

  test("of exactly the limit is accepted, and one byte more is not", async () => {
    const { ask, server } = limited(text.length);
    assert.equal((await ask("POST workflows", { body: text })).status, 200);
    const { message } = checkRefusal(
      await ask("POST workflows", { body: `${text} ` }),
      413,
      "BODY_TOO_LARGE",
    );
    assert.match(message, new RegExp(`${text.length} bytes`));
    assert.equal(server.seen.length, 1);
  });

  test("is counted in bytes, as it arrives", async () => {
    const wide = text.replace("Ada", "ÄÄÄ");
    const { ask } = limited(text.length + 2);
    checkRefusal(await ask("POST workflows", { body: wide }), 413, "BODY_TOO_LARGE");
    const { ask: other } = limited(text.length + 3);
    assert.equal((await other("POST workflows", { body: chunks(...wide) })).status, 200);
  });

  test("with a false length is counted all the same", async () => {
    const { ask } = limited(50);
    const headers = { "content-length": "5" };
    checkRefusal(await ask("POST workflows", { headers, body: chunks(text, text) }), 413, "BODY_TOO_LARGE");
  });

  test("without an end is cut off", async () => {
    let pulled = 0;
    let isCancelled = false;
    const body = new ReadableStream({
      pull(controller) {
        pulled += 1;
        controller.enqueue(new Uint8Array(64 * 1024));
      },
      cancel() {
        isCancelled = true;
      },
    });
    checkRefusal(await limited(1024 * 1024).ask("POST workflows", { body }), 413, "BODY_TOO_LARGE");
    assert.ok(pulled < 25, `${pulled}`);
    assert.ok(isCancelled);
  });

  test("may have 1 MiB by default", async () => {
    const { ask } = proxyFor();
    const padded = (size) => text + " ".repeat(size - text.length);
    assert.equal((await ask("POST workflows", { body: padded(1024 * 1024) })).status, 200);
    checkRefusal(await ask("POST workflows", { body: padded(1024 * 1024 + 1) }), 413, "BODY_TOO_LARGE");
  });

  for (const [what, body] of [
    ["no JSON", "{"],
    ["a form", "workflow_definition=greeting"],
    ["a list", "[]"],
    ["null", "null"],
    ["text", '"greeting"'],
    ["a number", "5"],
    ["two objects", "{}{}"],
    ["NaN", '{"inputs":{"a":NaN}}'],
    ["bytes", new Uint8Array([0, 1, 2, 255])],
    ["UTF-16", Buffer.from(text, "utf16le")],
  ]) {
    test(`of ${what} is refused, for every verb with a body`, async () => {
      const { ask, server } = proxyFor();
      for (const line of [
        "POST workflows",
        "POST workflows/r/signals",
        "POST workflows/r/cancel",
        "POST approvals/k/approve",
      ])
        checkRefusal(await ask(line, { body }), 400, "BODY_INVALID");
      assert.ok(server.seen.every(({ method }) => method === "GET"));
    });
  }

  test("that is not UTF-8 is refused, and not passed on in another form", async () => {
    const { ask, server } = proxyFor();
    const body = Buffer.concat([
      Buffer.from(text.slice(0, -3)),
      Buffer.from([0xff, 0xfe]),
      Buffer.from(text.slice(-3)),
    ]);
    checkRefusal(await ask("POST workflows", { body }), 400, "BODY_INVALID");
    assert.equal(server.seen.length, 0);
  });

  test("that is nested deeper than the server reads is refused", async () => {
    const { ask, server } = proxyFor();
    const nested = (levels) => `{"a":${"[".repeat(levels - 1)}${"]".repeat(levels - 1)}}`;
    for (const levels of [129, 1000, 100_000])
      checkRefusal(await ask("POST workflows/r/signals", { body: nested(levels) }), 400, "BODY_INVALID");
    assert.equal(server.seen.length, 0);
    assert.equal((await ask("POST workflows/r/signals", { body: nested(128) })).status, 200);
    assert.equal(server.seen.at(-1).text, nested(128));
  });

  test("of blanks, or empty, is an empty object", async () => {
    const { ask, server } = proxyFor();
    for (const body of [undefined, "", " \n", "\ufeff"]) {
      assert.equal((await ask("POST workflows/r/retry", { body })).status, 200);
      assert.equal(server.seen.at(-1).text, "{}");
    }
  });

  test("may have any content type, or none", async () => {
    const { ask } = proxyFor();
    for (const type of ["text/plain", "application/json; charset=utf-8", "x/y"])
      assert.equal(
        (await ask("POST workflows", { headers: { "content-type": type }, body: text })).status,
        200,
      );
  });

  test("over a real connection: in chunks, with a length, and too large", async (t) => {
    const { fetch, seen } = upstream();
    const { proxy } = proxyFor({ fetch, maxBodySize: 100_000 });
    const { url } = await serve(t, proxy);
    const send = async (body) => {
      const answer = await globalThis.fetch(`${url}/api/v1/workflows`, {
        method: "POST",
        body,
        duplex: "half",
      });
      return [answer.status, (await answer.json()).code];
    };
    assert.deepEqual(await send(text), [200, undefined]);
    assert.deepEqual(await send(chunks(...text)), [200, undefined]);
    assert.deepEqual(await send(`${text}${" ".repeat(100_000)}`), [413, "BODY_TOO_LARGE"]);
    assert.equal(seen.length, 2);
    assert.deepEqual(await send(text), [200, undefined]);
  });
});

test("templates in inputs are passed on as text; the server handles them", async () => {
  const { ask, server } = proxyFor({
    allow: { greeting: { verbs: ["submit"], workflow: definitionOf("greeting", { to: "{{inputs.to}}" }) } },
  });
  await submit(ask, { to: "{{ENV.SECRET}}" });
  assert.deepEqual(server.seen[0].json.inputs, { to: "{{ENV.SECRET}}" });
});
