// tools.llm.call against servers with the protocols of OpenAI and Ollama.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Driver } from "highway-wasm";
import { LocalEngine, llmTool } from "highway-wasm/engine";
import { checkThrown } from "../support/errors.mjs";
import { faultServer, json, silence, text } from "../support/fault-server.mjs";

const KEY = "sk-very-secret-0123456789";

const answer = (content, more = {}) =>
  json(200, {
    id: "c-1",
    model: "gpt-5-mini-2026",
    choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }],
    usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 },
    ...more,
  });

/** Runs one task with `kwargs`. Returns its result, and everything that the engine shows of the run. */
async function ask(t, tool, kwargs, options = {}) {
  const engine = new LocalEngine({ tools: { "tools.llm.call": tool } });
  t.after(() => engine.close());
  const driver = new Driver({ engine });
  driver.tool("a", "tools.llm.call", kwargs, options);
  const result = await driver.run();
  const { runId } = result;
  const paths = ["", "/steps", "/steps/logs"];
  const views = await Promise.all(
    paths.map(async (path) => await (await engine.fetch(`http://e/api/v1/workflows/${runId}${path}`)).text()),
  );
  const told = JSON.stringify(result, (_, value) => (typeof value === "bigint" ? String(value) : value));
  return { task: result.tasks.a, shown: views.join("\n") + told };
}

test("an OpenAI-compatible endpoint", async (t) => {
  const server = await faultServer(t, [answer("hello Ada")]);
  const tool = llmTool({
    provider: "openai",
    baseUrl: `${server.url}/v1/`,
    apiKey: KEY,
    model: "gpt-5-mini",
    headers: { "x-org": "o" },
  });
  const { task, shown } = await ask(t, tool, {
    prompt: "hi",
    system_prompt: "be short",
    temperature: "0.2",
    max_tokens: 50,
  });
  assert.deepEqual(task.result, {
    provider: "openai",
    response: "hello Ada",
    model: "gpt-5-mini-2026",
    usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 },
    finish_reason: "stop",
  });
  const [request] = server.requests;
  assert.equal(`${request.method} ${request.url}`, "POST /v1/chat/completions");
  assert.deepEqual(
    [request.headers.authorization, request.headers["x-org"], request.headers["content-type"]],
    [`Bearer ${KEY}`, "o", "application/json"],
  );
  assert.deepEqual(request.json, {
    model: "gpt-5-mini",
    messages: [
      { role: "system", content: "be short" },
      { role: "user", content: "hi" },
    ],
    temperature: 0.2,
    max_completion_tokens: 50,
  });
  assert.ok(!shown.includes(KEY));
});

test("Ollama", async (t) => {
  const server = await faultServer(t, [
    json(200, {
      model: "llama3.2",
      message: { role: "assistant", content: "hello" },
      done_reason: "stop",
      prompt_eval_count: 5,
      eval_count: 6,
    }),
  ]);
  const tool = llmTool({ provider: "ollama", baseUrl: server.url, model: "llama3.2" });
  const { task } = await ask(t, tool, { prompt: "hi", max_tokens: 9 });
  assert.deepEqual(task.result, {
    provider: "ollama",
    response: "hello",
    model: "llama3.2",
    usage: { prompt_tokens: 5, completion_tokens: 6, total_tokens: 11 },
    finish_reason: "stop",
  });
  const [request] = server.requests;
  assert.equal(request.url, "/api/chat");
  assert.equal(request.headers.authorization, undefined);
  assert.deepEqual(request.json, {
    model: "llama3.2",
    messages: [{ role: "user", content: "hi" }],
    stream: false,
    options: { num_predict: 9 },
  });
});

test("several providers: the first one is the default", async (t) => {
  const first = await faultServer(t, () => answer("first"));
  const second = await faultServer(t, () => answer("second"));
  const tool = llmTool(
    { provider: "one", baseUrl: first.url, apiKey: "key-of-one", model: "m" },
    { provider: "two", baseUrl: second.url, apiKey: "key-of-two", model: "m" },
  );
  assert.equal((await ask(t, tool, { prompt: "x" })).task.result.response, "first");
  assert.equal((await ask(t, tool, { prompt: "x", provider: "two" })).task.result.response, "second");
  assert.equal(second.requests[0].headers.authorization, "Bearer key-of-two");
  const { task } = await ask(t, tool, { prompt: "x", provider: "three" }, { retries: 2 });
  assert.equal(task.error.code, "TOOL_ARGUMENTS_INVALID");
  assert.match(task.error.message, /`three`/);
  assert.match(task.error.help, /`one`, `two`/);
});

test("a URL of a task gets only the task's own key", async (t) => {
  const foreign = await faultServer(t, () => answer("foreign"));
  const tool = llmTool({
    provider: "openai",
    apiKey: KEY,
    model: "m",
    headers: { "x-secret": "header-secret" },
  });
  const given = await ask(t, tool, { prompt: "x", base_url: foreign.url });
  assert.equal(given.task.result.response, "foreign");
  const { headers } = foreign.requests[0];
  assert.deepEqual([headers.authorization, headers["x-secret"]], [undefined, undefined]);
  await ask(t, tool, { prompt: "x", base_url: foreign.url, api_key: "its-own" });
  assert.equal(foreign.requests[1].headers.authorization, "Bearer its-own");
});

test("a busy server is called again, after its Retry-After", async (t) => {
  const busy = json(429, { error: { message: "slow down" } }, { "retry-after": "1" });
  const server = await faultServer(t, [busy, json(503, "later"), answer("now")]);
  const tool = llmTool({ provider: "p", baseUrl: server.url, model: "m" });
  const { task } = await ask(t, tool, { prompt: "x" }, { retries: 2, retryDelay: 0 });
  assert.equal(task.result.response, "now");
  const [first, second, third] = server.requests;
  assert.ok(second.at - first.at >= 990, "a second was kept");
  assert.ok(third !== undefined);
});

test("a refusal is not repeated, and no key is shown, even if the server repeats it", async (t) => {
  const server = await faultServer(t, () =>
    json(401, { error: { message: `Incorrect API key provided: ${KEY}` } }),
  );
  const tool = llmTool({ provider: "p", baseUrl: server.url, apiKey: KEY, model: "m" });
  const { task, shown } = await ask(t, tool, { prompt: "x" }, { retries: 3, retryDelay: 0 });
  assert.equal(server.requests.length, 1);
  assert.equal(task.error.code, "LLM_STATUS");
  assert.match(task.error.message, /answered 401: Incorrect API key provided: \*\*\*/);
  assert.match(task.error.help, /key of the provider `p`/);
  assert.ok(!shown.includes(KEY));
});

test("a missing server, and invalid answers", async (t) => {
  const dead = llmTool({ provider: "p", baseUrl: "http://127.0.0.1:2", apiKey: KEY, model: "m" });
  const { task, shown } = await ask(t, dead, { prompt: "x" });
  assert.match(task.error.message, /`http:\/\/127\.0\.0\.1:\d+` could not be reached/);
  assert.ok(!shown.includes(KEY));
  for (const body of ["no json", { choices: [] }, { choices: [{ message: {} }] }, null]) {
    const server = await faultServer(t, () => json(200, body));
    const tool = llmTool({ provider: "p", baseUrl: server.url, model: "m" });
    assert.equal((await ask(t, tool, { prompt: "x" })).task.error.code, "LLM_ANSWER_INVALID");
  }
});

test("arguments that are missing are not sent", async (t) => {
  const server = await faultServer(t, () => answer("fine"));
  const baseUrl = server.url;
  const tool = llmTool(
    { provider: "openai", baseUrl, model: "m" },
    { provider: "other", baseUrl, model: "m" },
  );
  const more = async (kwargs) => {
    await ask(t, tool, { prompt: "x", ...kwargs });
    const { model, messages, ...others } = server.requests.at(-1).json;
    assert.deepEqual([model, messages.length], ["m", 1]);
    return others;
  };
  assert.deepEqual(await more({}), {});
  assert.deepEqual(await more({ temperature: null, max_tokens: null, system_prompt: null }), {});
  assert.deepEqual(await more({ temperature: 0, max_tokens: 5 }), {
    temperature: 0,
    max_completion_tokens: 5,
  });
  assert.deepEqual(await more({ provider: "other", max_tokens: 5 }), { max_tokens: 5 });
  assert.deepEqual(await more({ provider: "other", max_completion_tokens: 5 }), { max_completion_tokens: 5 });
  assert.deepEqual(await more({ base_url: baseUrl, max_tokens: 5 }), { max_tokens: 5 });
});

test("an answer in parts, and failures with status 200", async (t) => {
  const outcome = async (body, provider = "p") => {
    const server = await faultServer(t, () => json(200, body));
    const tool = llmTool({ provider, baseUrl: server.url, model: "m", apiKey: KEY });
    const { task } = await ask(t, tool, { prompt: "x" });
    return task.error
      ? [task.error.code, task.error.message.replace(/^.*?`http[^`]*` /, "")]
      : task.result.response;
  };
  const content = (parts, more = {}) => ({ choices: [{ message: { content: parts, ...more } }] });
  const parts = [
    { type: "thinking", thinking: [] },
    { type: "text", text: "a " },
    { type: "text", text: "b" },
  ];
  assert.equal(await outcome(content(parts)), "a b");
  assert.equal(await outcome(content("")), "");
  assert.deepEqual(await outcome({ error: { message: `quota of ${KEY} is used up`, code: 429 } }), [
    "LLM_STATUS",
    "answered with an error: quota of *** is used up",
  ]);
  assert.deepEqual(
    await outcome({ choices: [{ error: { code: 502, message: "no provider" }, message: {} }] }),
    ["LLM_STATUS", "answered with an error: no provider"],
  );
  assert.deepEqual(await outcome({ error: "no such model" }, "ollama"), [
    "LLM_STATUS",
    "answered with an error: no such model",
  ]);
  assert.deepEqual(await outcome(content(null, { refusal: "I will not" })), [
    "LLM_REFUSED",
    "refused: I will not",
  ]);
  assert.deepEqual(await outcome(content([{ type: "refusal", refusal: "nor I" }])), [
    "LLM_REFUSED",
    "refused: nor I",
  ]);
  for (const body of [{ detail: "no" }, { errors: ["no"] }, [{ error: { message: "no" } }]]) {
    assert.deepEqual(await outcome(body), ["LLM_ANSWER_INVALID", `gave no text: ${JSON.stringify(body)}`]);
  }
  const filtered = { choices: [{ message: { content: null }, finish_reason: "content_filter" }] };
  assert.deepEqual(await outcome(filtered), [
    "LLM_ANSWER_INVALID",
    "gave no text: it ended with `content_filter`",
  ]);
  assert.deepEqual(await outcome({ message: "try later" }), [
    "LLM_ANSWER_INVALID",
    "gave no text: try later",
  ]);
});

test("a redirect is not followed, because it would send the key elsewhere", async (t) => {
  const elsewhere = await faultServer(t, () => answer("got it"));
  const server = await faultServer(t, () => json(307, {}, { location: elsewhere.url }));
  const tool = llmTool({ provider: "p", baseUrl: server.url, apiKey: KEY, model: "m" });
  const { task } = await ask(t, tool, { prompt: "x" });
  assert.equal(task.state, "failed");
  assert.equal(elsewhere.requests.length, 0);
});

test("the request ends when the attempt is aborted", async (t) => {
  const server = await faultServer(t, () => silence);
  const tool = llmTool({ provider: "p", baseUrl: server.url, model: "m" });
  const { task } = await ask(t, tool, { prompt: "x" }, { timeout: 0.3 });
  assert.equal(task.error.code, "TASK_TIMED_OUT");
  while (server.open.size > 0) await new Promise(setImmediate);
});

test("invalid arguments fail at once", async (t) => {
  const tool = llmTool({ provider: "p", baseUrl: "http://127.0.0.1:9" });
  for (const [kwargs, message] of [
    [{ prompt: "x" }, /`model` is missing/],
    [{ model: "m" }, /`prompt`/],
    [{ model: "m", prompt: "" }, /`prompt`/],
    [{ model: "m", prompt: "x", temperature: "hot" }, /`temperature`/],
    [{ model: "m", prompt: "x", max_tokens: 0 }, /`max_tokens`/],
    [{ model: "m", prompt: "x", base_url: "file:///etc" }, /`base_url`/],
    [{ model: "m", prompt: "x", api_key: "a\nb" }, /key/],
  ]) {
    const { task } = await ask(t, tool, kwargs, { retries: 3, retryDelay: 0 });
    assert.equal(task.error.code, "TOOL_ARGUMENTS_INVALID", task.error.message);
    assert.match(task.error.message, message);
  }
});

test("invalid options are refused", () => {
  const refused = (path, ...providers) =>
    checkThrown(() => llmTool(...providers), { name: "ConfigurationError", code: "OPTION_INVALID", path });
  refused("/0");
  refused("/0", "openai");
  refused("/0/provider", {});
  refused("/0/baseUrl", { provider: "mine" });
  refused("/0/baseUrl", { provider: "mine", baseUrl: "mine" });
  refused("/0/apiKey", { provider: "openai", apiKey: 1 });
  refused("/0/headers", { provider: "openai", headers: [] });
  refused("/0/api", { provider: "openai", api: "grpc" });
  refused("/1", { provider: "openai" }, { provider: "openai" });
});

test("counts of tokens keep their digits", async (t) => {
  const usages = [
    '{"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 9007199254740993}',
    '{"prompt_tokens": 9007199254740993, "completion_tokens": 4}',
  ];
  const server = await faultServer(
    t,
    usages.map((usage) =>
      text(200, `{"choices": [{"message": {"content": "x"}}], "usage": ${usage}}`, "application/json"),
    ),
  );
  const tool = llmTool({ provider: "mine", baseUrl: server.url, model: "m" });
  const { task: told } = await ask(t, tool, { prompt: "hi" });
  assert.equal(told.result.usage.total_tokens, 9007199254740993n);
  const { task: summed } = await ask(t, tool, { prompt: "hi" });
  assert.equal(summed.result.usage.total_tokens, 9007199254740997n);
});
