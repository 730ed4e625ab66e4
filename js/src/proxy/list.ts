/** The list of runs for pages. It has its own paging, so that it does not reveal how many runs of others there are. */

import { isObject } from "../shared/plain.js";
import type { Body } from "./request-body.js";
import { Refusal } from "./respond.js";
import { type Found, unexpected, type Upstream } from "./upstream.js";

/** Default and largest number of runs on a page. */
const PAGE_SIZE = 20;
const LARGEST_PAGE = 100;
/** Filters that are passed to the server. Other filters might show other runs. */
const FILTERS = ["status", "days"];

/** One page of the runs for which `isListed` holds. Looks through at most `depth` runs of the server. */
export async function listPage(
  upstream: Upstream,
  query: URLSearchParams,
  isListed: (run: Body) => boolean,
  depth: number,
): Promise<Response> {
  // The server sends the runs of some days as one page.
  const isWhole = query.has("days");
  const page = isWhole ? 1 : wholeNumber(query, "page", 1);
  const size = isWhole ? depth : Math.min(wholeNumber(query, "page_size", PAGE_SIZE), LARGEST_PAGE);
  const filters = [...query].filter(([name]) => FILTERS.includes(name));
  const seen = new Set<unknown>();
  const listed: Body[] = [];
  let first: Found | undefined;
  let previous = Number.POSITIVE_INFINITY;
  for (let number = 1; seen.size < depth && listed.length <= page * size; number++) {
    const asked = new URLSearchParams([["page", `${number}`], ["page_size", `${LARGEST_PAGE}`], ...filters]);
    const found = await pageOf(upstream, asked, first);
    if (found === undefined) break;
    first ??= found;
    const all = found.data["workflows"];
    if (!Array.isArray(all)) throw unexpected("a list of runs");
    const fresh = all.filter((run) => !seen.has(idOf(run))).slice(0, depth - seen.size);
    for (const run of fresh) seen.add(idOf(run));
    for (const run of fresh) if (isObject(run) && isListed(run)) listed.push(run);
    const { total, has_more: more } = found.data;
    const isLast = typeof total === "number" ? seen.size >= total : all.length < previous && number > 1;
    if (fresh.length === 0 || (typeof more === "boolean" ? !more : isLast)) break;
    previous = all.length;
  }
  const workflows = listed.slice((page - 1) * size, page * size);
  const data = { workflows, page, page_size: size, has_more: listed.length > page * size };
  return (await first?.response(data)) ?? Response.json(data);
}

/** A page of the server's list. A refusal after the first page means the end of the list. */
async function pageOf(
  upstream: Upstream,
  query: URLSearchParams,
  first: Found | undefined,
): Promise<Found | undefined> {
  try {
    return await upstream.find("GET", ["workflows"], { query });
  } catch (error) {
    const isEnd = error instanceof Response && [400, 404, 416, 422].includes(error.status);
    if (first !== undefined && isEnd) return undefined;
    throw error;
  }
}

const idOf = (run: unknown): unknown => (isObject(run) ? (run["workflow_run_id"] ?? run) : run);

function wholeNumber(query: URLSearchParams, name: string, usual: number): number {
  const text = query.get(name);
  const number = text === null ? usual : Number(text);
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new Refusal(400, "QUERY_INVALID", `\`${name}\` is not a whole number above 0`);
}
