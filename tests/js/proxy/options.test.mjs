// The options of a proxy, and those that it refuses.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Driver, Workflow } from "highway-wasm";
import { createProxy } from "highway-wasm/proxy";
import { checkError, checkThrown, textsOf, thrownBy } from "../support/errors.mjs";
import { allowing, asking, greeting, KEY, proxyFor, schemaOf, upstream, VERBS } from "../support/proxy.mjs";

const usual = { apiKey: KEY, endpoint: "http://highway.test", allow: allowing() };
const refused = (options, path, more = {}) =>
  checkThrown(() => createProxy(options), {
    name: "ConfigurationError",
    code: "OPTION_INVALID",
    path,
    ...more,
  });

describe("options that are refused", () => {
  test("none at all, and unknown ones", () => {
    for (const options of [undefined, null, "x", 1]) refused(options, "");
    refused({ ...usual, allowed: {} }, "/allowed", { help: /`allow`/ });
    refused({ ...usual, dangerouslyAllowBrowser: true }, "/dangerouslyAllowBrowser");
  });

  test("a key that is missing, blank, or cannot be a header", () => {
    const keys = [
      undefined,
      null,
      "",
      " ",
      "a b",
      "key\n",
      "k\r\nx: y",
      "schlüssel",
      "ключ",
      "\u0000",
      5,
      {},
      ["k"],
    ];
    for (const apiKey of keys) {
      const error = checkThrown(() => createProxy({ ...usual, apiKey }), {
        name: "ConfigurationError",
        code: "API_KEY_MISSING",
        path: "/apiKey",
        help: /function/,
      });
      if (typeof apiKey === "string" && apiKey.length > 5) assert.ok(!error.message.includes(apiKey));
    }
  });

  test("an endpoint that is not an absolute http(s) URL", () => {
    for (const endpoint of [
      "",
      "/highway",
      "highway.example",
      "ftp://h",
      "javascript:alert(1)",
      "http://",
      {},
      5,
      ["https://h.example"],
    ]) {
      checkThrown(() => createProxy({ ...usual, endpoint }), {
        name: "ConfigurationError",
        code: "ENDPOINT_INVALID",
        path: "/endpoint",
      });
    }
  });

  for (const endpoint of [
    "https://user:hunter2@h.example",
    "https://h.example/?q=1",
    "https://h.example/#x",
    "https://:hunter2@h.example",
  ]) {
    test(`an endpoint for which no request can be created: ${endpoint}`, () => {
      checkThrown(() => createProxy({ ...usual, endpoint }), {
        name: "ConfigurationError",
        code: "ENDPOINT_INVALID",
        path: "/endpoint",
      });
    });
  }

  test("no message repeats a password of an endpoint", async () => {
    const error = thrownBy(() => createProxy({ ...usual, endpoint: "ftp://user:hunter2@h.example" }));
    assert.ok(!(await textsOf(error)).includes("hunter2"), error.message);
  });

  test("invalid origins", () => {
    const lists = [
      "https://a.example",
      ["*"],
      ["null"],
      [null],
      ["a.example"],
      ["https://a.example/"],
      ["https://A.example"],
    ];
    for (const origins of [...lists, ["https://a.example:443"], [/x/], null, {}, new Set()]) {
      refused({ ...usual, origins }, "/origins", { help: /https:\/\/app\.example/ });
    }
  });

  test("invalid functions and numbers", () => {
    for (const name of ["authorize", "fetch"]) {
      for (const value of [null, "x", {}, true]) refused({ ...usual, [name]: value }, `/${name}`);
    }
    for (const name of [
      "maxBodySize",
      "maxInputsSize",
      "maxResponseSize",
      "maxStreams",
      "maxListed",
      "timeout",
    ]) {
      for (const value of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, "5", null, 5n])
        refused({ ...usual, [name]: value }, `/${name}`);
    }
  });

  test("an `allow` that is not an object", () => {
    for (const allow of [undefined, null, "greeting", 5, () => {}, []])
      refused({ ...usual, allow }, "/allow");
  });

  test("invalid verbs", () => {
    const allow = (verbs) => ({ ...usual, allow: { greeting: { verbs, workflow: greeting } } });
    for (const verbs of [undefined, null, "submit", {}, new Set(["submit"])])
      refused(allow(verbs), "/allow/greeting/verbs");
    for (const verb of ["SUBMIT", "delete", "constructor", "", null, 1])
      refused(allow([verb]), "/allow/greeting/verbs", { help: /`submit`, .*`list`/ });
  });

  test("a workflow that may be submitted but is missing or invalid", () => {
    const allow = (workflow) => ({ ...usual, allow: { greeting: { verbs: ["submit"], workflow } } });
    refused(allow(undefined), "/allow/greeting/workflow", { help: /definition/ });
    for (const workflow of [null, [], "other", "ANY", 5, {}, { name: "other" }, { name: ["greeting"] }])
      refused(allow(workflow), "/allow/greeting/workflow");
    checkThrown(
      () => createProxy(allow({ name: "greeting", tasks: { a: { kwargs: { size: Number.NaN } } } })),
      {
        name: "ValidationError",
        code: "VALUE_NOT_JSON",
        path: "/allow/greeting/workflow/tasks/a/kwargs/size",
      },
    );
    assert.equal(typeof createProxy({ ...usual, allow: { greeting: { verbs: ["status"] } } }), "function");
  });

  test("inputs that are not a Standard Schema", () => {
    for (const inputs of [
      null,
      {},
      { "~standard": {} },
      { parse() {} },
      "x",
      { "~standard": { validate: true } },
    ])
      refused({ ...usual, allow: allowing(VERBS, { inputs }) }, "/allow/greeting/inputs");
  });

  test("an unknown setting of a workflow, with its path", () => {
    refused({ ...usual, allow: { greeting: { verb: ["submit"] } } }, "/allow/greeting/verb");
  });

  test("a workflow that is not an object, with its path", () => {
    for (const value of [null, "any", true, 5, []])
      refused({ ...usual, allow: { greeting: value } }, "/allow/greeting");
  });

  test("the path is a JSON pointer, whatever the name", () => {
    refused({ ...usual, allow: { "a/b~c": { verbs: 5 } } }, "/allow/a~1b~0c/verbs");
  });
});

describe("options that are accepted", () => {
  test("definitions of every kind: a Workflow, a driver's definition, plain data", async () => {
    const driver = new Driver({ name: "of-a-driver", auth: false });
    driver.shell("a", "true");
    const workflow = Workflow.fromJSON({ ...greeting, name: "of_the_dsl" });
    const allow = {
      of_a_driver: { verbs: ["submit"], workflow: driver.build() },
      of_the_dsl: { verbs: ["submit"], workflow },
      greeting: { verbs: ["submit"], workflow: greeting },
    };
    const { ask, server } = proxyFor({ allow });
    for (const name of Object.keys(allow)) {
      assert.equal((await ask("POST workflows", { body: { workflow_definition: { name } } })).status, 200);
      const sent = server.seen.at(-1).json.workflow_definition;
      assert.deepEqual([sent.name, Object.keys(sent.tasks).length], [name, 1]);
    }
  });

  test("a definition is copied, so later changes of the object have no effect", async () => {
    const workflow = structuredClone(greeting);
    const { ask, server } = proxyFor({ allow: { greeting: { verbs: ["submit"], workflow } } });
    workflow.tasks.send.function = "tools.shell.run";
    await ask("POST workflows", { body: { workflow_definition: { name: "greeting" } } });
    assert.equal(server.seen[0].json.workflow_definition.tasks.send.function, "mail.send");
  });

  test("an endpoint with a path, a slash, `/api/v1`, or as a URL", async () => {
    for (const [endpoint, url] of [
      ["http://h.test", "http://h.test/api/v1/workflows/r/steps"],
      ["http://h.test///", "http://h.test/api/v1/workflows/r/steps"],
      ["http://h.test?", "http://h.test/api/v1/workflows/r/steps"],
      ["HTTP://H.test:80/api/v1", "http://h.test/api/v1/workflows/r/steps"],
      ["http://h.test/base/api/v1/", "http://h.test/base/api/v1/workflows/r/steps"],
      [new URL("http://h.test:81/base"), "http://h.test:81/base/api/v1/workflows/r/steps"],
    ]) {
      const { ask, server } = proxyFor({ endpoint });
      await ask("GET workflows/r/steps");
      const { origin, path } = server.seen.at(-1);
      assert.equal(origin + path, url);
    }
  });

  test("the endpoint of the environment, if none is given", async (t) => {
    process.env["HIGHWAY_API_ENDPOINT"] = "http://of-the-environment.test";
    t.after(() => delete process.env["HIGHWAY_API_ENDPOINT"]);
    const { ask, server } = proxyFor({ endpoint: undefined });
    await ask("GET workflows/r");
    assert.equal(server.seen[0].origin, "http://of-the-environment.test");
  });

  test("the key is not read from the environment: it must be given", (t) => {
    process.env["HIGHWAY_API_KEY"] = KEY;
    t.after(() => delete process.env["HIGHWAY_API_KEY"]);
    checkError(
      thrownBy(() => createProxy({ ...usual, apiKey: undefined })),
      {
        name: "ConfigurationError",
        code: "API_KEY_MISSING",
      },
    );
  });

  test("a schema that is a function, as in some libraries", async () => {
    const inputs = Object.assign(
      () => {},
      schemaOf((value) => ({ value })),
    );
    const { ask } = proxyFor({ allow: allowing(["submit"], { inputs }) });
    assert.equal((await ask("POST workflows", { body: { workflow_definition: greeting } })).status, 200);
  });

  test("a very long time limit is a long one", async () => {
    const { ask } = proxyFor({ timeout: 2 ** 32 }, async ({ signal }) => {
      await sleep(50, undefined, { signal });
      return { workflow_name: "greeting" };
    });
    assert.equal((await ask("GET workflows/r")).status, 200);
  });

  test("the function that sends is called as a plain function; the default is the global one", async (t) => {
    let context = "nothing";
    const { fetch } = upstream();
    const proxy = createProxy({
      ...usual,
      fetch(...given) {
        context = this;
        return fetch(...given);
      },
    });
    await asking(proxy)("GET workflows/r");
    assert.equal(context, undefined);
    t.mock.method(globalThis, "fetch", fetch);
    assert.equal((await asking(createProxy(usual))("GET workflows/r")).status, 200);
    assert.equal(globalThis.fetch.mock.callCount(), 1);
  });
});
