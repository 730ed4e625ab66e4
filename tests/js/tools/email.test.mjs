// tools.email.send through a function and through a service.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Driver } from "highway-wasm";
import { emailTool, LocalEngine } from "highway-wasm/engine";
import { checkThrown } from "../support/errors.mjs";
import { faultServer, json } from "../support/fault-server.mjs";

const MAIL = { to: "Ada <ada@example.org>", subject: "hello", body: "It is done." };

async function send(t, options, kwargs = MAIL, task = {}) {
  const engine = new LocalEngine().tool("tools.email.send", emailTool(options));
  t.after(() => engine.close());
  const driver = new Driver({ engine });
  driver.tool("mail", "tools.email.send", kwargs, task);
  const result = await driver.run();
  return { ...result.tasks.mail, runId: result.runId };
}

test("through a function", async (t) => {
  let sent;
  const { result, runId } = await send(t, {
    send: (email) => {
      sent = email;
      return { messageId: "m-1" };
    },
  });
  assert.deepEqual(result, {
    success: true,
    to: MAIL.to,
    subject: MAIL.subject,
    task_id: "mail",
    message_id: "m-1",
    message: `the e-mail to ${MAIL.to} was sent`,
  });
  const { signal, idempotencyKey, ...email } = sent;
  assert.deepEqual([email, idempotencyKey, signal.aborted], [MAIL, `${runId}/mail`, false]);
  for (const [given, id] of [
    ["m-2", "m-2"],
    [undefined, null],
    [{ id: 3 }, "3"],
    [{ message_id: "m-4" }, "m-4"],
  ]) {
    assert.equal((await send(t, { send: () => given })).result.message_id, id);
  }
});

test("an error of the function fails the attempt, and the next one may succeed", async (t) => {
  let calls = 0;
  const { state } = await send(
    t,
    {
      send: () => {
        calls += 1;
        if (calls === 1) throw new Error("no connection");
      },
    },
    MAIL,
    { retries: 1, retryDelay: 0 },
  );
  assert.deepEqual([state, calls], ["completed", 2]);
});

test("through a service, whose credential is not shown", async (t) => {
  const server = await faultServer(t, [
    json(202, { id: "m-9" }),
    json(422, { error: "token-123456 is bad" }),
  ]);
  const options = { url: `${server.url}/send`, headers: { authorization: "Bearer token-123456" } };
  const { result, runId } = await send(t, options);
  assert.equal(result.message_id, "m-9");
  const [request] = server.requests;
  assert.deepEqual(request.json, MAIL);
  assert.deepEqual(
    [request.headers.authorization, request.headers["idempotency-key"]],
    ["Bearer token-123456", `${runId}/mail`],
  );
  const refused = await send(t, options, MAIL, { retries: 3, retryDelay: 0 });
  assert.equal(server.requests.length, 2, "what is refused is not sent again");
  assert.equal(refused.error.message, `\`${server.url}\` answered 422`);
});

test("invalid e-mails are not sent", async (t) => {
  const sent = [];
  for (const [change, message] of [
    [{ to: undefined }, /`to`/],
    [{ to: "nobody" }, /`nobody` is not an e-mail address/],
    [{ subject: "" }, /`subject`/],
    [{ subject: "a\nBcc: all@example.org" }, /line break/],
    [{ to: "a@b\r\nBcc: c@d" }, /line break/],
    [{ body: "ü".repeat(4097) }, /4097 characters, of 4096/],
    [{ body: 1 }, /`body`/],
  ]) {
    const mail = JSON.parse(JSON.stringify({ ...MAIL, ...change }));
    const { error } = await send(t, { send: (email) => sent.push(email) }, mail, { retries: 2 });
    assert.equal(error.code, "TOOL_ARGUMENTS_INVALID");
    assert.match(error.message, message);
  }
  assert.deepEqual(sent, []);
  const longest = { ...MAIL, body: "🛣️".repeat(2048) };
  assert.equal((await send(t, { send: () => "m" }, longest)).state, "completed");
});

test("invalid options are refused", () => {
  for (const [options, path] of [
    [{}, "/send"],
    [{ send: 1 }, "/send"],
    [{ send: () => 1, url: "https://example.org" }, "/send"],
    [{ url: "nowhere" }, "/url"],
  ]) {
    checkThrown(() => emailTool(options), { name: "ConfigurationError", code: "OPTION_INVALID", path });
  }
});
