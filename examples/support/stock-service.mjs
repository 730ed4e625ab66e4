// A real HTTP server on loopback, which is down for the first two requests, as services are.
import { createServer } from "node:http";
import { once } from "node:events";

const PRICES = { bolt: 2, nut: 1, gear: 15 };
const COUNTS = {
  north: { bolt: 100, nut: 250, gear: 4 },
  south: { bolt: 40, nut: 10, gear: 12 },
  west: { bolt: 0, nut: 75, gear: 9 },
};

/** The worth of all stock, as the report must find it. */
export const EXPECTED_VALUE = Object.values(COUNTS)
  .flatMap((counts) => Object.entries(counts))
  .reduce((sum, [item, count]) => sum + PRICES[item] * count, 0);

/** Starts the service on a free port. */
export async function startStockService() {
  let refused = 0;
  const requests = [];
  const server = createServer((request, response) => {
    requests.push(request.url);
    const answer = (status, body) => {
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    };
    const { pathname, searchParams } = new URL(request.url, "http://localhost");
    if (pathname === "/catalogue") {
      if (refused++ < 2) return answer(503, { message: "warming up" });
      return answer(200, { items: Object.keys(PRICES), prices: PRICES });
    }
    const region = pathname.match(/^\/stock\/(\w+)$/)?.[1];
    if (!(region in COUNTS)) return answer(404, { message: "no such region" });
    return answer(200, { region, asked: Number(searchParams.get("items")), counts: COUNTS[region] });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    requests,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
