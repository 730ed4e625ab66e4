// A server between a client and the real one: it keeps what was asked and answered, and may answer itself.
import { once } from "node:events";
import { createServer, request as send } from "node:http";

async function bytesOf(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Passes a request on as it is. */
async function passed(url, { method, path, headers, body }) {
  const outgoing = send(new URL(path, url), { method, headers, agent: false });
  outgoing.end(body);
  const [incoming] = await once(outgoing, "response");
  return { status: incoming.statusCode, headers: incoming.headers, body: await bytesOf(incoming) };
}

/**
 * Starts a server in front of `server`. `interfere(request, count)` may give an answer `{ status, body }` of its own, or another
 * request to pass on; `count` says how many of this method and path there have been, this one included. What was exchanged is in
 * `exchanges`: `{ method, path, headers, json, status, answer }`.
 */
export async function between(t, server, interfere = () => undefined) {
  const exchanges = [];
  const counts = new Map();
  const front = createServer(async (incoming, response) => {
    const { method, url: path } = incoming;
    const request = { method, path, headers: incoming.headers, body: await bytesOf(incoming) };
    const count = (counts.get(`${method} ${path}`) ?? 0) + 1;
    counts.set(`${method} ${path}`, count);
    const other = await interfere(request, count);
    const answer =
      other?.status === undefined
        ? await passed(server.url, other ?? request)
        : { headers: { "content-type": "application/json" }, ...other, body: JSON.stringify(other.body) };
    exchanges.push({
      method,
      path,
      headers: request.headers,
      json: jsonOf(request.body),
      status: answer.status,
      answer: jsonOf(answer.body),
    });
    response.writeHead(answer.status, answer.headers).end(answer.body);
  }).listen(0, "127.0.0.1");
  await once(front, "listening");
  t.after(() => {
    front.closeAllConnections();
    front.close();
  });
  const { port } = front.address();
  const of = (method, path) =>
    exchanges.filter((exchange) => exchange.method === method && path.test(exchange.path));
  return {
    url: `http://127.0.0.1:${port}`,
    key: server.key,
    exchanges,
    submissions: () => of("POST", /^\/api\/v1\/workflows$/),
    polls: () => of("GET", /^\/api\/v1\/workflows\/[^/]+$/),
    uploads: () => of("POST", /^\/api\/v1\/artifacts$/),
  };
}

function jsonOf(body) {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    return undefined;
  }
}
