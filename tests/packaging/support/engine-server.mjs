// A Highway server for the tests: the embedded engine of the installed package behind node:http.
import { once } from "node:events";
import { createServer } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";
import { smokeTools } from "../../runtimes/smoke.mjs";

/**
 * Resolves with the server's address, the requests that it got (`"POST /api/v1/workflows"`), and a function that ends
 * it.
 */
export async function serveEngine(root) {
  const entry = pathToFileURL(join(root, "esm/entries/engine-inline.js"));
  const { LocalEngine } = await import(entry);
  const engine = new LocalEngine({ tools: smokeTools });
  const seen = [];
  const server = createServer(async (request, response) => {
    const { method, url, headers } = request;
    seen.push({ method, url, headers });
    const body = await text(request);
    const answer = await engine.fetch(`http://engine${url}`, { method, headers, ...(body && { body }) });
    response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `http://127.0.0.1:${server.address().port}`,
    seen,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await engine.close();
    },
  };
}
