// tools.http.request without access to private addresses.
import assert from "node:assert/strict";
import dns from "node:dns/promises";
import { test } from "node:test";
import { Driver } from "highway-wasm";
import { httpTool, LocalEngine } from "highway-wasm/engine";
import { checkThrown } from "../support/errors.mjs";
import { faultServer, text } from "../support/fault-server.mjs";

async function request(t, options, kwargs, task = {}) {
  const engine = new LocalEngine().tool("tools.http.request", httpTool(options));
  t.after(() => engine.close());
  const driver = new Driver({ engine });
  driver.tool("a", "tools.http.request", kwargs, task);
  return (await driver.run()).tasks.a;
}

/** Makes the global `fetch` answer by URL, and records the requests. */
function withAnswers(t, answers) {
  const asked = [];
  t.mock.method(globalThis, "fetch", async (given, init) => {
    const sent = new Request(given, init);
    asked.push(sent);
    return answers[sent.url]?.() ?? new Response("fine");
  });
  return asked;
}

const redirect = (status, location) => () => new Response(null, { status, headers: { location } });

test("every spelling of a private address is refused, and nothing is sent", async (t) => {
  const asked = withAnswers(t, {});
  for (const host of [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "127.0.0.1.",
    "%31%32%37.0.0.1",
    "①②⑦.0.0.1",
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "[::]",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::127.0.0.1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[64:ff9b::10.0.0.1]",
    "[2002:7f00:1::]",
    "[2001::1]",
    "[2001:db8::1]",
    "[fc00::1]",
    "[fd12:3456::1]",
    "[fe80::1]",
    "[ff02::1]",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "api.localhost",
    "printer.local",
    "metadata.google.internal",
    "router.home.arpa",
  ]) {
    const { error } = await request(
      t,
      { privateAddresses: "refuse" },
      { url: `http://${host}/` },
      { retries: 2 },
    );
    assert.equal(error?.code, "ADDRESS_REFUSED", host);
    assert.match(error.message, /is a private address$/, host);
  }
  assert.deepEqual(asked, []);
});

test("public addresses are allowed", async (t) => {
  const asked = withAnswers(t, {});
  const hosts = [
    "1.1.1.1",
    "9.255.255.255",
    "100.128.0.1",
    "128.0.0.1",
    "172.32.0.1",
    "192.167.1.1",
    "223.255.255.255",
    "[2606:4700::1111]",
    "[::ffff:1.1.1.1]",
    "[64:ff9b::1.1.1.1]",
  ];
  for (const host of hosts) {
    const { state, error } = await request(t, { privateAddresses: "refuse" }, { url: `http://${host}/` });
    assert.equal(state, "completed", error?.message);
  }
  assert.equal(asked.length, hosts.length);
});

test("a name is refused if one of its addresses is private", async (t) => {
  const asked = withAnswers(t, {});
  t.mock.method(dns, "lookup", async (host, options) => {
    assert.deepEqual(options, { all: true });
    if (host === "unknown.example") throw new Error("ENOTFOUND");
    const addresses = { "mixed.example": ["1.1.1.1", "fd00::1"], "public.example": ["1.1.1.1"] };
    return addresses[host].map((address) => ({ address }));
  });
  const options = { privateAddresses: "refuse" };
  const { error } = await request(t, options, { url: "https://mixed.example/x" });
  assert.equal(error.message, "`mixed.example`, which stands for `fd00::1` is a private address");
  assert.equal((await request(t, options, { url: "https://public.example/x" })).state, "completed");
  // A name without an address is left to the request itself.
  assert.equal((await request(t, options, { url: "https://unknown.example/x" })).state, "completed");
  assert.deepEqual(
    asked.map(({ url }) => url),
    ["https://public.example/x", "https://unknown.example/x"],
  );
});

test("redirects are followed only to public addresses", async (t) => {
  const asked = withAnswers(t, {
    "http://1.1.1.1/in": redirect(302, "http://127.0.0.1/secret"),
    "http://1.1.1.1/file": redirect(302, "file:///etc/passwd"),
    "http://1.1.1.1/loop": redirect(302, "/loop"),
    "http://1.1.1.1/post": redirect(303, "http://8.8.8.8/seen"),
    "http://1.1.1.1/kept": redirect(307, "/kept-here"),
  });
  const options = { privateAddresses: "refuse" };
  const at = (path) => ({ url: `http://1.1.1.1/${path}` });
  for (const [path, message] of [
    ["in", /`127\.0\.0\.1` is a private address/],
    ["file", /`file:` is not HTTP/],
    ["loop", /redirects again and again/],
  ]) {
    const { error } = await request(t, options, at(path));
    assert.equal(error.code, "ADDRESS_REFUSED");
    assert.match(error.message, message);
  }
  assert.equal(asked.length, 1 + 1 + 21);
  asked.length = 0;
  const sent = { method: "POST", json: { a: 1 }, headers: { authorization: "Bearer t", "x-kept": "1" } };
  const { result } = await request(t, options, { ...at("post"), ...sent });
  assert.equal(result.body, "fine");
  const [, second] = asked;
  assert.deepEqual(
    [
      second.method,
      second.url,
      second.headers.get("authorization"),
      second.headers.get("x-kept"),
      second.body,
    ],
    ["GET", "http://8.8.8.8/seen", null, "1", null],
  );
  await request(t, options, { ...at("kept"), ...sent });
  const last = asked.at(-1);
  assert.deepEqual(
    [last.method, last.url, last.headers.get("authorization"), await last.text()],
    ["POST", "http://1.1.1.1/kept-here", "Bearer t", '{"a":1}'],
  );
});

test("the engine decides, or the task if the engine lets it", async (t) => {
  const server = await faultServer(t, () => text(200, "inside"));
  const { url } = server;
  for (const [privateAddresses, allow_internal, isAllowed] of [
    [undefined, undefined, true],
    ["allow", undefined, true],
    ["allow", true, true],
    ["allow", false, false],
    ["ask", undefined, false],
    ["ask", false, false],
    ["ask", true, true],
    ["refuse", undefined, false],
    ["refuse", true, false],
  ]) {
    const kwargs = allow_internal === undefined ? { url } : { url, allow_internal };
    const { state, error } = await request(t, { privateAddresses }, kwargs);
    const outcome = isAllowed ? ["completed", undefined] : ["failed", "ADDRESS_REFUSED"];
    assert.deepEqual([state, error?.code], outcome, `${privateAddresses} ${allow_internal}`);
  }
  assert.equal(server.requests.length, 4);
});

test("invalid options are refused", () => {
  const code = "OPTION_INVALID";
  checkThrown(() => httpTool({ privateAddresses: false }), {
    name: "ConfigurationError",
    code,
    path: "/privateAddresses",
  });
  checkThrown(() => httpTool({ private: true }), { name: "ConfigurationError", code });
});
