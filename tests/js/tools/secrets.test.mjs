// tools.secrets.* over every kind of store.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Driver } from "highway-wasm";
import { LocalEngine, secretTools } from "highway-wasm/engine";
import { checkThrown } from "../support/errors.mjs";

async function call(t, store, name, kwargs = {}) {
  const engine = new LocalEngine({ tools: secretTools(store) });
  t.after(() => engine.close());
  const driver = new Driver({ engine });
  driver.tool("a", `tools.secrets.${name}`, kwargs, { retries: 2, retryDelay: 0 });
  return (await driver.run()).tasks.a;
}

const kept = new Map();
const stores = {
  "an object": {},
  "a Map": new Map(),
  "a store of one's own": {
    get: async (name) => kept.get(name) ?? null,
    set: async (name, value) => void kept.set(name, value),
    delete: async (name) => kept.delete(name),
    list: async () => kept.keys(),
  },
};

for (const [what, store] of Object.entries(stores)) {
  test(what, async (t) => {
    assert.deepEqual((await call(t, store, "set_secret", { name: "b", value: "1" })).result, {
      success: true,
      name: "b",
    });
    await call(t, store, "set_secret", { name: "__proto__", value: "2" });
    assert.equal((await call(t, store, "get_secret", { name: "b" })).result, "1");
    assert.equal((await call(t, store, "get_secret", { name: "__proto__" })).result, "2");
    assert.deepEqual((await call(t, store, "list_secrets")).result, {
      secrets: ["__proto__", "b"],
      count: 2,
    });
    const remove = { name: "b" };
    assert.deepEqual((await call(t, store, "delete_secret", remove)).result, {
      success: true,
      name: "b",
      deleted: true,
    });
    assert.equal((await call(t, store, "delete_secret", remove)).result.deleted, false);
    for (const name of ["b", "toString"]) {
      const { error } = await call(t, store, "get_secret", { name });
      assert.deepEqual([error.code, error.message], ["SECRET_UNKNOWN", `there is no secret \`${name}\``]);
    }
  });
}

test("invalid arguments and stores", async (t) => {
  for (const [name, kwargs] of [
    ["get_secret", {}],
    ["get_secret", { name: 1 }],
    ["set_secret", { name: "a" }],
    ["set_secret", { name: "a", value: 1 }],
    ["delete_secret", { name: "" }],
  ]) {
    assert.equal((await call(t, {}, name, kwargs)).error.code, "TOOL_ARGUMENTS_INVALID", name);
  }
  const code = "OPTION_INVALID";
  checkThrown(() => secretTools("x"), { name: "ConfigurationError", code, path: "/store" });
  checkThrown(() => secretTools({ get: () => 1 }), { name: "ConfigurationError", code, path: "/store/set" });
});
