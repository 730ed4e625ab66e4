/** Handles a page's request that the proxy knows. */

import { isObject } from "../shared/plain.js";
import { listPage } from "./list.js";
import type { ProxyAction, ProxyVerb } from "./options.js";
import { type Body, bodyOf } from "./request-body.js";
import { Refusal, refusal } from "./respond.js";
import { isRunId, type Route, routeOf } from "./routes.js";
import type { Allowed, Settings } from "./settings.js";
import type { Streams } from "./streams.js";
import { inputsOf, nameOf, submission } from "./submission.js";
import { type Found, unexpected, type Upstream } from "./upstream.js";

/** The longest time limit of an update, in seconds. */
const LONGEST_UPDATE = 300;
/** Fields of a body that say what to run, and with which inputs. Only a submission may send them. */
const SUBMISSION_FIELDS = ["workflow_definition", "python_dsl", "inputs", "variables"];
/** Query parameters that could name another run than the path does. */
const OTHER_RUN = /run|workflow|tenant/i;
const WITH_WORKFLOW = "a run with its workflow";

/** One request of a page. */
export class Passing {
  readonly #settings: Settings;
  readonly #streams: Streams;
  readonly #upstream: Upstream;
  readonly #permit: (action: ProxyAction) => Promise<void>;

  constructor(
    settings: Settings,
    streams: Streams,
    upstream: Upstream,
    permit: (action: ProxyAction) => Promise<void>,
  ) {
    this.#settings = settings;
    this.#streams = streams;
    this.#upstream = upstream;
    this.#permit = permit;
  }

  async answer(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const route = routeOf(request.method, pathname);
    const { verb } = route;
    if (request.method === "GET") {
      this.#checkVerb(verb);
      if (verb === "list") return await this.#list(searchParams);
      if (verb === "approve") return await this.#approvals(searchParams);
      if (verb === "status" && route.segments.length === 2) return await this.#status(route);
      if (route.segments[2] === "stream") {
        return await this.#streams.add(request.signal, () => this.#read(route, searchParams));
      }
      return await this.#read(route, searchParams);
    }
    // Reads the body first, so that nobody decides about a request that is refused anyway.
    const body = await bodyOf(request, this.#settings.maxBodySize);
    if (verb === "submit") return await this.#submit(body, request.headers.get("x-idempotency-key"));
    this.#checkVerb(verb);
    const sent = Object.fromEntries(
      Object.entries(body).filter(([name]) => !SUBMISSION_FIELDS.includes(name)),
    );
    return verb === "approve" ? await this.#decide(route, sent) : await this.#act(route, sent);
  }

  async #submit(body: Body, key: string | null): Promise<Response> {
    const workflow = nameOf(body);
    const allowed = this.#allowed(workflow);
    const inputs = await inputsOf(body, allowed, this.#settings.maxInputsSize);
    const sent = submission(body, allowed, inputs);
    await this.#permit({ verb: "submit", workflow, runId: null, inputs, body: null });
    // Prefixed with the workflow, so that keys of other workflows can be neither guessed nor used.
    const ownKey = key ? `${encodeURIComponent(workflow)}:${key}` : null;
    const { data, response } = await this.#upstream.find(
      "POST",
      ["workflows"],
      { body: sent, key: ownKey },
      (refused) => this.#checkExisting(refused, workflow),
    );
    const runId = data["workflow_run_id"] ?? data["run_id"];
    if (typeof runId !== "string" || !isRunId(runId)) throw unexpected("a run");
    const name = workflowIn(data) ?? (await this.#lookUp(runId, unexpected(WITH_WORKFLOW))).name;
    if (name !== workflow) throw notFound("run");
    return await response();
  }

  /** Checks the run that a refused submission names: a server says which run an idempotency key started. */
  async #checkExisting(refused: unknown, workflow: string): Promise<void> {
    if (!isObject(refused)) return;
    const ids = [refused, refused["data"], refused["details"]].filter(isObject).map((place) => {
      return place["existing_run_id"] ?? place["workflow_run_id"] ?? place["run_id"];
    });
    for (const id of new Set(ids)) {
      if (typeof id !== "string") continue;
      if (!isRunId(id) || (await this.#lookUp(id)).name !== workflow) throw notFound("run");
    }
  }

  async #status({ runId }: Route): Promise<Response> {
    const id = runId ?? "";
    const { name, response } = await this.#lookUp(id);
    this.#checkRun(name, "status");
    await this.#permit({ verb: "status", workflow: name, runId: id, inputs: null, body: null });
    return await response();
  }

  async #read({ verb, runId, segments }: Route, query: URLSearchParams): Promise<Response> {
    const workflow = await this.#workflowOf(runId, verb);
    await this.#permit({ verb, workflow, runId, inputs: null, body: null });
    const accept = segments[2] === "stream" ? "text/event-stream" : "application/json";
    const passed = new URLSearchParams([...query].filter(([name]) => !OTHER_RUN.test(name)));
    return await this.#upstream.pass("GET", segments, { query: passed, accept });
  }

  async #act({ verb, runId, segments }: Route, body: Body): Promise<Response> {
    const workflow = await this.#workflowOf(runId, verb);
    await this.#permit({ verb, workflow, runId, inputs: null, body });
    const limit = verb === "update" ? body["timeout_seconds"] : undefined;
    const timeout = typeof limit === "number" && limit > 0 ? Math.min(limit, LONGEST_UPDATE) : 0;
    return await this.#upstream.pass("POST", segments, { body, timeout });
  }

  async #list(query: URLSearchParams): Promise<Response> {
    await this.#permit({ verb: "list", workflow: null, runId: null, inputs: null, body: null });
    const { allow, maxListed } = this.#settings;
    const isListed = ({ workflow_name: name }: Body): boolean =>
      typeof name === "string" && allow.get(name)?.verbs.has("list") === true;
    return await listPage(this.#upstream, query, isListed, maxListed);
  }

  /** The approvals of one run. Only checked parameters of the query are passed on. */
  async #approvals(query: URLSearchParams): Promise<Response> {
    const runId = query.get("workflow_run_id");
    const workflow = await this.#workflowOf(runId, "approve");
    await this.#permit({ verb: "approve", workflow, runId, inputs: null, body: null });
    const passed = new URLSearchParams({ workflow_run_id: String(runId) });
    const status = query.get("status");
    if (status !== null) passed.set("status", status);
    const { data, response } = await this.#upstream.find("GET", ["approvals"], { query: passed });
    const all = data["approvals"];
    if (!Array.isArray(all)) throw unexpected("a list of approvals");
    return await response({
      approvals: all.filter((one) => isObject(one) && one["workflow_run_id"] === runId),
    });
  }

  async #decide({ segments, approvalKey }: Route, body: Body): Promise<Response> {
    const key = approvalKey ?? "";
    const { data } = await orElse(this.#upstream.find("GET", ["approvals", key]), notFound("approval"));
    const runId = data["workflow_run_id"];
    const workflow = await this.#workflowOf(runId, "approve", notFound("approval"));
    await this.#permit({ verb: "approve", workflow, runId: String(runId), inputs: null, body });
    return await this.#upstream.pass("POST", segments, { body });
  }

  /** The workflow of a run, if the verb is allowed for it. Asks the server each time, because an id may be reused. */
  async #workflowOf(runId: unknown, verb: ProxyVerb, missing?: Refusal): Promise<string> {
    if (typeof runId !== "string" || !isRunId(runId)) {
      throw new Refusal(
        403,
        "WORKFLOW_NOT_ALLOWED",
        "the proxy finds approvals by their run, and `workflow_run_id` is missing",
      );
    }
    const { name } = await this.#lookUp(runId, missing);
    this.#checkRun(name, verb, missing);
    return name;
  }

  /** A run as the server shows it, with the name of its workflow. */
  async #lookUp(runId: string, missing?: Refusal): Promise<Found & { readonly name: string }> {
    const found = await orElse(this.#upstream.find("GET", ["workflows", runId]), missing);
    const name = workflowIn(found.data);
    if (name === undefined) throw unexpected(WITH_WORKFLOW);
    return { ...found, name };
  }

  /** The workflow with this name, if it may be submitted. */
  #allowed(name: string): Allowed {
    const allowed = this.#settings.allow.get(name);
    if (allowed === undefined) {
      const help = "add the workflow to `allow` of `createProxy`, with its definition";
      throw refusal(403, "WORKFLOW_NOT_ALLOWED", "the proxy does not allow this workflow", help);
    }
    if (!allowed.verbs.has("submit")) throw verbNotAllowed("submit");
    return allowed;
  }

  /** Refuses a verb that no workflow allows, before the server is asked. */
  #checkVerb(verb: ProxyVerb): void {
    const all = [...this.#settings.allow.values()];
    if (!all.some(({ verbs }) => verbs.has(verb))) throw verbNotAllowed(verb);
  }

  /** Treats a run without any allowed verb as one that does not exist, so that nobody can count the runs of others. */
  #checkRun(name: string, verb: ProxyVerb, missing = notFound("run")): void {
    const verbs = this.#settings.allow.get(name)?.verbs ?? new Set();
    if (![...verbs].some((other) => other !== "submit")) throw missing;
    if (!verbs.has(verb)) throw verbNotAllowed(verb);
  }
}

/** The name of the workflow in the data of a run. */
function workflowIn(data: Body): string | undefined {
  const definition = data["workflow_definition"];
  const name = data["workflow_name"] ?? (isObject(definition) ? definition["name"] : undefined);
  return typeof name === "string" ? name : undefined;
}

/** The outcome of a search, or the proxy's own refusal if the server finds nothing. */
async function orElse<T>(looking: Promise<T>, missing = notFound("run")): Promise<T> {
  try {
    return await looking;
  } catch (error) {
    if (error instanceof Response && (error.status === 404 || error.status === 410)) throw missing;
    throw error;
  }
}

function notFound(what: "run" | "approval"): Refusal {
  const help = "check the id; the proxy shows only workflows that `allow` of `createProxy` names";
  return refusal(404, "NOT_FOUND", `there is no such ${what}`, help);
}

function verbNotAllowed(verb: ProxyVerb): Refusal {
  const help = `add it to the \`verbs\` of the workflow in \`allow\` of \`createProxy\``;
  return refusal(403, "VERB_NOT_ALLOWED", `the proxy does not allow \`${verb}\` for this workflow`, help);
}
