// A server with one list that changes while it is read. It answers through the client's `fetch`, so its timing is not
// random.
import { Highway } from "highway-wasm";

/** The client's lists by the parameters of a page. `size` is the API's own page size. */
export const styles = {
  "page, page_size (workflows)": {
    list: (highway, options) => highway.workflows.list(options),
    path: "/api/v1/workflows",
    key: "workflows",
    id: "workflow_run_id",
    idOf: ({ runId }) => runId,
    more: { status: "running" },
    names: ["page", "page_size"],
    size: 20,
  },
  "page, page_size (tasks)": {
    list: (highway, options) => highway.tasks.list(options),
    path: "/api/v1/tasks",
    key: "tasks",
    id: "task_id",
    names: ["page", "page_size"],
    size: 50,
  },
  "page, per_page (tokens)": {
    list: (highway, options) => highway.tokens.list(options),
    path: "/api/v1/admin/tokens",
    key: "tokens",
    id: "token_id",
    names: ["page", "per_page"],
    size: 50,
  },
  "offset, limit (activities)": {
    list: (highway, options) => highway.activities.list(options),
    path: "/api/v1/activities",
    key: "activities",
    id: "activity_id",
    names: ["offset", "limit"],
    size: 100,
  },
};

/**
 * A server of one style. `items` are ids, newest first; `insert`, `remove` and `removeFirst` change them. Its options:
 * - `hasTotal`, `echoes`, `hasMore`: what it sends with the items (`total`; page size; `has_more`)
 * - `cap`: the most items on a page, whatever the request says
 * - `isPaged: false`: it sends all items, whatever the request says
 * - `between(server)`: called after each answer
 */
export class ListServer {
  requests = [];
  items = [];
  #style;
  #made = 0;
  #options;

  constructor(style, count, options = {}) {
    this.#style = styles[style];
    this.#options = {
      hasTotal: true,
      echoes: true,
      hasMore: false,
      isPaged: true,
      between: () => {},
      ...options,
    };
    this.insert(count);
    this.highway = new Highway({
      endpoint: "http://list.example",
      apiKey: "test-key",
      retry: false,
      circuitBreaker: false,
      fetch: async ({ url, method }) => this.#answer(new URL(url), method),
    });
  }

  /** A client's list of this server. */
  list(options) {
    return this.#style.list(this.highway, options);
  }

  /** The ids of a list's items. */
  ids(given) {
    const { idOf = (item) => item[this.#style.id] } = this.#style;
    return given.map(idOf);
  }

  /** Adds items at the beginning. */
  insert(count) {
    const made = Array.from({ length: count }, () => `item-${String(++this.#made).padStart(5, "0")}`);
    this.items = [...made.reverse(), ...this.items];
  }

  /** Removes items. */
  remove(ids) {
    const gone = new Set(ids);
    this.items = this.items.filter((id) => !gone.has(id));
  }

  /** Removes the newest items. */
  removeFirst(count) {
    this.items = this.items.slice(count);
  }

  #answer(url, method) {
    const { key, id, more, names, path, size: ownSize } = this.#style;
    const query = Object.fromEntries(url.searchParams);
    if (method !== "GET" || url.pathname !== path) throw new Error(`nobody asks for ${method} ${url}`);
    this.requests.push(query);
    // A client that never stops must end the test instead of hanging it.
    if (this.requests.length > 400) return Response.json({ message: "asked for ever" }, { status: 400 });
    const { hasTotal, echoes, hasMore, isPaged, cap = Number.POSITIVE_INFINITY, between } = this.#options;
    const [place, sizeName] = names;
    const size = Math.min(Number(query[sizeName] ?? ownSize), cap);
    const start = place === "page" ? (Number(query.page ?? 1) - 1) * size : Number(query.offset ?? 0);
    const shown = isPaged ? this.items.slice(start, start + size) : this.items;
    const data = { [key]: shown.map((name) => ({ [id]: name, ...more })) };
    if (hasTotal) data.total = this.items.length;
    if (echoes) Object.assign(data, { [place]: Number(query[place] ?? 0), [sizeName]: size });
    if (hasMore) data.has_more = start + size < this.items.length;
    between(this);
    return Response.json({ status: "success", data });
  }
}
