// A richer workflow on real input: a server that is down at first, a fan-out, a delay, a fan-in into Python, run inputs.
import { Driver, py } from "highway-wasm";

export const REGIONS = ["north", "south", "west"];

/** The workflow; the stock service is at the run input `service`. */
export function stockReport(options) {
  const driver = new Driver({ name: "stock-report", ...options });

  const catalogue = driver.http("catalogue", "{{inputs.service}}/catalogue", {
    retries: 4,
    retryDelay: 0.2,
    timeout: 5,
  });

  const stocks = REGIONS.map((region) =>
    driver.http(
      `stock_${region}`,
      `{{inputs.service}}/stock/${region}?items=${catalogue.result.response.items.length}`,
      {
        depends: [catalogue],
      },
    ),
  );

  const settle = driver.shell("settle", "date -u +%H:%M:%S > settled-at.txt && echo settled", {
    depends: stocks,
    delay: 1,
  });

  driver.python(
    "report",
    py`
      import json

      def report():
          prices = json.loads("""${catalogue.result.response.prices}""")
          stocks = [json.loads(text) for text in (
              ${stocks.map((stock) => `"""${stock.result.response.counts}"""`).join(", ")},
          )]
          value = sum(price * counts[item] for counts in stocks for item, price in prices.items())
          with open("settled-at.txt") as file:
              settled_at = file.read().strip()
          return {"regions": len(stocks), "value": value, "currency": "{{inputs.currency}}", "settled_at": settled_at}
    `,
    { depends: [settle, catalogue, ...stocks] },
  );
  return driver;
}
