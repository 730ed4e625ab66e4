/** Reads the options of a proxy. Invalid options are refused with their path. */

import { environmentVariable } from "../shared/environment.js";
import { errorOf } from "../shared/errors.js";
import { checkOptions, invalid } from "../shared/options.js";
import { isObject, type Json, plain } from "../shared/plain.js";
import { childPath } from "../shared/pointer.js";
import type { AllowedWorkflow, ProxyOptions, ProxyVerb, StandardSchema } from "./options.js";

const DEFAULT_ENDPOINT = "https://highway.solutions";
/** The options that are numbers, with their defaults. */
const NUMBERS = {
  maxBodySize: 1024 * 1024,
  maxInputsSize: 256 * 1024,
  maxResponseSize: 32 * 1024 * 1024,
  maxStreams: 100,
  maxListed: 2000,
  timeout: 30,
};

const VERBS: readonly ProxyVerb[] = [
  "submit",
  "status",
  "steps",
  "logs",
  "events",
  "graph",
  "query",
  "cancel",
  "retry",
  "signal",
  "update",
  "approve",
  "list",
];

const OPTIONS = ["apiKey", "endpoint", "allow", "origins", "authorize", ...Object.keys(NUMBERS), "fetch"];
const OPTIONS_OF_WORKFLOW = ["verbs", "workflow", "inputs"];

/** A workflow that pages may use, with its definition as plain data. */
export interface Allowed {
  readonly verbs: ReadonlySet<ProxyVerb>;
  readonly definition: Readonly<Record<string, Json>> | "any" | undefined;
  readonly inputs: StandardSchema<Record<string, unknown>> | undefined;
  /** The names by which templates read the results of its tasks. */
  readonly results: ReadonlySet<string>;
}

/** The options of a proxy that are the same for all requests. */
export interface Settings extends Readonly<typeof NUMBERS> {
  readonly allow: ReadonlyMap<string, Allowed>;
  /** Address of the server up to `/api/v1`. */
  readonly base: string;
  readonly origins: readonly string[] | "*";
  readonly fetch: ProxyOptions<never>["fetch"];
}

/** Whether a header can hold the key. */
export function isUsableKey(key: unknown): key is string {
  return typeof key === "string" && /^[\x21-\x7e]+$/.test(key);
}

/** Reads the options of a proxy. */
export function readOptions(options: ProxyOptions<never>): Settings {
  checkOptions(options, OPTIONS, "the proxy");
  const { apiKey, allow, origins = [], authorize, fetch } = options;
  if (typeof apiKey !== "function" && !isUsableKey(apiKey)) {
    throw errorOf("API_KEY_MISSING", "the proxy has no usable API key", {
      path: "/apiKey",
      help: "pass it as text, or a function that gives it",
    });
  }
  const isOrigin = (origin: unknown): boolean =>
    typeof origin === "string" && URL.canParse(origin) && new URL(origin).origin === origin;
  if (origins !== "*" && !(Array.isArray(origins) && origins.every(isOrigin))) {
    throw invalid(
      "`origins` is neither `*` nor a list of origins",
      "/origins",
      'for example "https://app.example"',
    );
  }
  for (const [name, value] of Object.entries({ authorize, fetch })) {
    if (value !== undefined && typeof value !== "function")
      throw invalid(`\`${name}\` is not a function`, `/${name}`);
  }
  const numbers = { ...NUMBERS };
  for (const name of Object.keys(NUMBERS) as (keyof typeof NUMBERS)[]) {
    const { [name]: value = NUMBERS[name] } = options;
    if (!(typeof value === "number" && value > 0 && Number.isFinite(value)))
      throw invalid(`\`${name}\` is not a number above 0`, `/${name}`);
    numbers[name] = value;
  }
  checkObject(allow, "`allow`", "/allow");
  const allowed = Object.entries(allow).map(([name, value]) => [name, readAllowed(name, value)] as const);
  return { allow: new Map(allowed), base: baseOf(options.endpoint), origins, fetch, ...numbers };
}

/** The address up to `/api/v1`. Errors do not repeat it, because it may contain a password. */
function baseOf(given: unknown): string {
  const endpoint = given ?? environmentVariable("HIGHWAY_API_ENDPOINT") ?? DEFAULT_ENDPOINT;
  const text = typeof endpoint === "string" || endpoint instanceof URL ? String(endpoint) : "";
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain = url && !url.username && !url.password && !url.search && !url.hash;
  if (!isPlain || !/^https?:$/.test(url.protocol)) {
    throw errorOf("ENDPOINT_INVALID", "the endpoint of the proxy is not an absolute http(s) URL", {
      path: "/endpoint",
      help: "pass one without user name, password, query and fragment",
    });
  }
  return url.origin + url.pathname.replace(/\/+$/, "").replace(/\/api\/v1$/, "");
}

function readAllowed(name: string, allowed: AllowedWorkflow): Allowed {
  const path = childPath("/allow", name);
  checkObject(allowed, `the workflow \`${name}\``, path);
  const unknown = Object.keys(allowed).find((key) => !OPTIONS_OF_WORKFLOW.includes(key));
  if (unknown !== undefined) {
    const help = `it takes ${inWords(OPTIONS_OF_WORKFLOW)}`;
    throw invalid(`the workflow \`${name}\` has no option \`${unknown}\``, `${path}/${unknown}`, help);
  }
  const { verbs, workflow, inputs } = allowed;
  if (!Array.isArray(verbs)) throw invalid(`\`verbs\` of \`${name}\` is not a list`, `${path}/verbs`);
  for (const verb of verbs) {
    if (!VERBS.includes(verb))
      throw invalid(`\`${String(verb)}\` is not a verb`, `${path}/verbs`, `the verbs are ${inWords(VERBS)}`);
  }
  if (inputs !== undefined && typeof inputs?.["~standard"]?.validate !== "function") {
    throw invalid(`\`inputs\` of \`${name}\` is not a Standard Schema`, `${path}/inputs`);
  }
  if (verbs.includes("submit") && workflow === undefined) {
    throw invalid(
      `\`${name}\` may be submitted, but has no \`workflow\` to run`,
      `${path}/workflow`,
      "give its definition",
    );
  }
  const definition =
    workflow === undefined || workflow === "any" ? workflow : definitionOf(workflow, name, path);
  return { verbs: new Set(verbs), definition, inputs, results: new Set(resultNames(definition)) };
}

/** The ids of tasks and the keys of their results, at any depth of a definition. */
function resultNames(part: unknown): string[] {
  if (Array.isArray(part)) return part.flatMap(resultNames);
  if (!isObject(part)) return [];
  const { task_id: id, result_key: key } = part;
  const names = typeof id === "string" ? [id, key].filter((name) => typeof name === "string") : [];
  return [...names, ...Object.values(part).flatMap(resultNames)];
}

function definitionOf(workflow: object, name: string, path: string): Readonly<Record<string, Json>> {
  const definition = plain(workflow, `${path}/workflow`);
  if (!isObject(definition)) {
    throw invalid(`\`workflow\` of \`${name}\` is not a definition`, `${path}/workflow`);
  }
  if (definition["name"] !== name) {
    const message = `\`workflow\` of \`${name}\` has the name \`${String(definition["name"])}\``;
    throw invalid(message, `${path}/workflow`, "allow it under its own name");
  }
  return definition;
}

function checkObject(value: unknown, what: string, path: string): void {
  if (!isObject(value)) throw invalid(`${what} is not an object`, path);
}

const inWords = (names: readonly string[]): string => names.map((name) => `\`${name}\``).join(", ");
