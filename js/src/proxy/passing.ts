/** What becomes of a request that a page may make. */

import { isObject } from "../plain.js";
import type { Names } from "./names.js";
import type { ProxyAction, ProxyVerb } from "./options.js";
import { type Body, bodyOf } from "./request-body.js";
import { Refusal } from "./respond.js";
import { isRunId, type Route, routeOf } from "./routes.js";
import type { Allowed, Settings } from "./settings.js";
import { inputsOf, nameOf, submission } from "./submission.js";
import { strange, type Upstream } from "./upstream.js";

/** Longest time that an update may ask for, in seconds. */
const LONGEST_UPDATE = 300;

/** One request on its way. */
export class Passing {
  readonly #settings: Settings;
  readonly #names: Names;
  readonly #upstream: Upstream;
  readonly #permit: (action: ProxyAction) => Promise<void>;

  constructor(
    settings: Settings,
    names: Names,
    upstream: Upstream,
    permit: (action: ProxyAction) => Promise<void>,
  ) {
    this.#settings = settings;
    this.#names = names;
    this.#upstream = upstream;
    this.#permit = permit;
  }

  async answer(request: Request): Promise<Response> {
    const { pathname, search } = new URL(request.url);
    const route = routeOf(request.method, pathname);
    if (request.method === "GET") {
      if (route.verb === "list") return await this.#list(search);
      if (route.verb === "approve") return await this.#approvals(new URLSearchParams(search));
      if (route.verb === "status" && route.segments.length === 2) return await this.#status(route);
      return await this.#read(route, search);
    }
    // The body comes first, so that nobody decides about a request that is refused anyway.
    const body = await bodyOf(request, this.#settings.maxBodySize);
    if (route.verb === "submit") return await this.#submit(body, request.headers.get("x-idempotency-key"));
    if (route.verb === "approve") return await this.#decide(route, body);
    return await this.#act(route, body);
  }

  async #submit(body: Body, key: string | null): Promise<Response> {
    const workflow = nameOf(body);
    const allowed = this.#allowed(workflow, "submit");
    const inputs = await inputsOf(body, allowed);
    const sent = submission(body, allowed, inputs);
    await this.#permit({ verb: "submit", workflow, runId: null, inputs, body: null });
    const { data, response } = await this.#upstream.find("POST", ["workflows"], { body: sent, key });
    // A server that knows the idempotency key answers with the run which that began, of whatever workflow it is.
    this.#found(data["workflow_run_id"] ?? data["run_id"], data["workflow_name"] ?? workflow, "submit");
    return response();
  }

  async #status({ runId }: Route): Promise<Response> {
    const id = runId ?? "";
    const known = this.#names.get(id);
    if (known !== undefined) this.#allowed(known, "status");
    const { data, response } = await this.#upstream.find("GET", ["workflows", id]);
    const workflow = this.#found(id, data["workflow_name"] ?? known, "status");
    await this.#permit({ verb: "status", workflow, runId: id, inputs: null, body: null });
    return response();
  }

  async #read({ verb, runId, segments }: Route, query: string): Promise<Response> {
    const workflow = await this.#workflowOf(runId, verb);
    await this.#permit({ verb, workflow, runId, inputs: null, body: null });
    const accept = segments[2] === "stream" ? "text/event-stream" : "application/json";
    return await this.#upstream.pass("GET", segments, { query, accept });
  }

  async #act({ verb, runId, segments }: Route, body: Body): Promise<Response> {
    const workflow = await this.#workflowOf(runId, verb);
    await this.#permit({ verb, workflow, runId, inputs: null, body });
    const limit = verb === "update" ? body["timeout_seconds"] : undefined;
    const timeout = typeof limit === "number" && limit > 0 ? Math.min(limit, LONGEST_UPDATE) : 0;
    return await this.#upstream.pass("POST", segments, { body, timeout });
  }

  /** The page of the list, with what is not allowed left out. */
  async #list(search: string): Promise<Response> {
    const { allow } = this.#settings;
    const isListed = (name: unknown): boolean =>
      typeof name === "string" && allow.get(name)?.verbs.has("list") === true;
    if (![...allow.keys()].some(isListed)) throw verbNotAllowed("list");
    await this.#permit({ verb: "list", workflow: null, runId: null, inputs: null, body: null });
    const { response, data } = await this.#upstream.find("GET", ["workflows"], { query: search });
    const all = data["workflows"];
    if (!Array.isArray(all)) throw strange("a list of runs");
    const query = new URLSearchParams(search);
    const page = Number(query.get("page") ?? 1);
    const size = Number(data["page_size"] ?? query.get("page_size") ?? 20);
    const { total, has_more: more } = data as { total?: unknown; has_more?: unknown };
    // More than a full page is all there is: the server knows no pages, or was asked for the runs of some days.
    const isFull =
      typeof total === "number" ? page * size < total && all.length <= size : all.length === size;
    const hasMore = (typeof more === "boolean" ? more : isFull) && all.length > 0;
    const workflows = all.filter((run) => isObject(run) && isListed(run["workflow_name"]));
    // How many there are of others is nobody's business.
    return response({ workflows, page, page_size: size, has_more: hasMore });
  }

  /** The approvals of one run. Nothing of the query is passed on but what was checked. */
  async #approvals(query: URLSearchParams): Promise<Response> {
    const runId = query.get("workflow_run_id");
    const workflow = await this.#workflowOf(runId, "approve");
    await this.#permit({ verb: "approve", workflow, runId, inputs: null, body: null });
    const asked = new URLSearchParams({ workflow_run_id: String(runId) });
    const status = query.get("status");
    if (status !== null) asked.set("status", status);
    const { data, response } = await this.#upstream.find("GET", ["approvals"], { query: `?${asked}` });
    const all = data["approvals"];
    if (!Array.isArray(all)) throw strange("a list of approvals");
    return response({ approvals: all.filter((one) => isObject(one) && one["workflow_run_id"] === runId) });
  }

  async #decide({ segments, approvalKey }: Route, body: Body): Promise<Response> {
    const { data } = await this.#upstream.find("GET", ["approvals", approvalKey ?? ""]);
    const runId = data["workflow_run_id"];
    const workflow = await this.#workflowOf(runId, "approve");
    await this.#permit({ verb: "approve", workflow, runId: String(runId), inputs: null, body });
    return await this.#upstream.pass("POST", segments, { body });
  }

  /** The name of the workflow of a run, if the verb is allowed for it. */
  async #workflowOf(runId: unknown, verb: ProxyVerb): Promise<string> {
    if (typeof runId !== "string" || !isRunId(runId)) {
      throw new Refusal(
        403,
        "WORKFLOW_NOT_ALLOWED",
        "the proxy knows approvals by their run, and there is no `workflow_run_id`",
      );
    }
    const known = this.#names.get(runId);
    if (known !== undefined) {
      this.#allowed(known, verb);
      return known;
    }
    const { data } = await this.#upstream.find("GET", ["workflows", runId]);
    return this.#found(runId, data["workflow_name"], verb);
  }

  /** Keeps in mind which workflow a run is of, allowed or not; gives its name if the verb is allowed. */
  #found(runId: unknown, name: unknown, verb: ProxyVerb): string {
    if (typeof name !== "string") {
      throw new Refusal(
        403,
        "WORKFLOW_NOT_ALLOWED",
        "the server does not tell which workflow this run is of",
      );
    }
    this.#names.set(runId, name);
    this.#allowed(name, verb);
    return name;
  }

  #allowed(name: string, verb: ProxyVerb): Allowed {
    const allowed = this.#settings.allow.get(name);
    if (allowed === undefined) {
      throw new Refusal(403, "WORKFLOW_NOT_ALLOWED", "the proxy does not know this workflow");
    }
    if (!allowed.verbs.has(verb)) throw verbNotAllowed(verb);
    return allowed;
  }
}

function verbNotAllowed(verb: ProxyVerb): Refusal {
  return new Refusal(403, "VERB_NOT_ALLOWED", `the proxy does not allow \`${verb}\` for this workflow`);
}
