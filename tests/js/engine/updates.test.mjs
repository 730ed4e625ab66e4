// Blocking updates: requests that a run of the embedded engine answers.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Highway } from "highway-wasm";
import { LocalEngine } from "highway-wasm/engine";

const workflow = {
  name: "chat",
  tasks: {
    handle: {
      task_id: "handle",
      operator_type: "task",
      function: "tools.update.handle",
      result_key: "handled",
      kwargs: {
        update_name: "ask",
        response_tool: "chat.answer",
        response_kwargs: { text: "{{update_payload.message}}" },
      },
    },
  },
};

/** An engine with a run that waits for an update. `answer` is its tool. */
async function chat(answer) {
  const engine = new LocalEngine({ tools: { "chat.answer": answer } });
  const handle = await new Highway({ engine }).workflows.submit({ workflow });
  return { engine, handle };
}

test("an update waits until the run has answered it", async () => {
  const { engine, handle } = await chat(async ({ kwargs }) => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    return { response: `you said ${kwargs.text}` };
  });
  const result = await handle.update("ask", { message: "hello" });
  assert.deepEqual(result, {
    status: "success",
    update_name: "ask",
    update_payload: { message: "hello" },
    response: { response: "you said hello" },
  });
  assert.equal((await handle.result()).state, "completed");
  await assert.rejects(handle.update("ask", {}), { status: 409 });
  await engine.close();
});

test("an update without an answer is refused with 408, one whose handler fails with 500", async () => {
  const { engine, handle } = await chat(() => {
    throw new Error("no idea");
  });
  await assert.rejects(
    handle.update("tell", {}, { timeout: 0.05 }),
    /answered 408: the run did not answer within 0.05 s/,
  );
  await assert.rejects(handle.update("ask", { message: "?" }), /answered 500: no idea/);
  await engine.close();
});

test("a closed engine ends all waits", async () => {
  const { engine, handle } = await chat(() => ({}));
  const waiting = assert.rejects(handle.update("tell", {}), { code: "ENGINE_CLOSED" });
  await new Promise((resolve) => setTimeout(resolve, 10));
  await engine.close();
  await waiting;
});
