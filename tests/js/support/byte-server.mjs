// A server on the loopback interface that keeps the bytes of requests, and reads forms.
import { once } from "node:events";
import { createServer } from "node:http";

/**
 * Starts a server. `script(request, index)` returns the answer: `{status, headers, body}`, or null to cut the
 * connection. Requests are `{method, url, path, headers, bytes}`, with `json` and `form()` if they have such a body.
 */
export async function byteServer(t, script) {
  const requests = [];
  const server = createServer(async (incoming, response) => {
    const chunks = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    const { method, url, headers } = incoming;
    const request = {
      method,
      url,
      path: url.split("?")[0],
      headers,
      bytes,
      get json() {
        return JSON.parse(bytes.toString("utf8"));
      },
      form: () => new Response(bytes, { headers: { "content-type": headers["content-type"] } }).formData(),
    };
    requests.push(request);
    const answer = await script(request, requests.length - 1);
    if (answer === null) {
      incoming.socket.destroy();
      return;
    }
    response.writeHead(answer.status, answer.headers);
    response.end(answer.body);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  });
  return { url: `http://127.0.0.1:${server.address().port}`, requests };
}

/** The only part of an upload's form: `{name, filename, type, bytes}`, and the number of parts. */
export async function uploadOf(request) {
  const parts = [...(await request.form())];
  const [name, file] = parts[0];
  const bytes = new Uint8Array(await file.arrayBuffer());
  return { count: parts.length, name, filename: file.name, type: file.type, bytes };
}
