// Requests as bytes over raw sockets, for what `fetch` cannot send; and checks of the refusals of `serve`.
import assert from "node:assert/strict";
import net from "node:net";

/** Sends bytes over a new connection. Resolves with `{ status, headers, body, json }`. */
export async function raw(port, bytes, address = "127.0.0.1") {
  const socket = net.connect(port, address);
  socket.on("error", () => {});
  socket.write(bytes);
  let text = "";
  for await (const chunk of socket.setEncoding("utf8")) text += chunk;
  const [head, ...rest] = text.split("\r\n\r\n");
  const [first, ...lines] = head.split("\r\n");
  const headers = Object.fromEntries(lines.map((line) => line.split(/: (.*)/s, 2)));
  for (const name of Object.keys(headers)) headers[name.toLowerCase()] = headers[name];
  const body = rest.join("\r\n\r\n");
  return {
    status: Number(first.split(" ")[1]),
    headers,
    body,
    json: () => JSON.parse(/\{.*\}/s.exec(body)[0]),
  };
}

/** A request. A header may be a list. */
export function request(headers, { method = "GET", path = "/api/v1/workflows", body = "" } = {}) {
  const all = Object.entries({ connection: "close", ...headers }).flatMap(([name, value]) =>
    [value].flat().map((item) => `${name}: ${item}\r\n`),
  );
  return `${method} ${path} HTTP/1.1\r\n${all.join("")}\r\n${body}`;
}

/** Checks that an answer is an error in the form of the API's errors, which reveals nothing of the key. */
export function checkRefused(answer, status, code) {
  assert.equal(answer.status, status, answer.body);
  const json = answer.json();
  assert.deepEqual(Object.keys(json).sort(), ["code", "message", "status", "success"]);
  assert.deepEqual([json.status, json.success, json.code], ["error", false, code]);
  assert.match(answer.headers["content-type"], /^application\/json/);
  assert.ok(!JSON.stringify(answer).includes("the-key-of"));
}
