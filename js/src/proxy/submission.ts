/** Turns what a page submits into what runs. */

import { isObject, type Json, plain } from "../shared/plain.js";
import { OF_ENGINE } from "./engine-names.js";
import type { Body } from "./request-body.js";
import { Refusal } from "./respond.js";
import type { Allowed } from "./settings.js";
import { bigJson } from "../shared/json.js";

/** Fields of a definition that belong to a run. */
const RUN_FIELDS = ["variables", "timeout_seconds"];

/** The name of the workflow that a page submits. */
export function nameOf(body: Body): string {
  const definition = body["workflow_definition"];
  const name = isObject(definition) ? definition["name"] : undefined;
  if (body["python_dsl"] !== undefined || body["execute"] === false || typeof name !== "string") {
    throw new Refusal(403, "WORKFLOW_NOT_ALLOWED", "the proxy starts workflows only by their names");
  }
  return name;
}

/** The checked inputs of a run as a copy. `limit` is their largest size in bytes. */
export async function inputsOf(
  body: Body,
  allowed: Allowed,
  limit: number,
): Promise<Record<string, unknown>> {
  const inputs = await checkedInputs(body, allowed);
  if (new TextEncoder().encode(bigJson(inputs)).byteLength > limit) {
    throw new Refusal(413, "INPUTS_TOO_LARGE", `the inputs are larger than ${limit} bytes`);
  }
  return inputs;
}

async function checkedInputs(body: Body, allowed: Allowed): Promise<Record<string, unknown>> {
  const own = allowed.definition === "any" ? {} : variablesOf(allowed.definition);
  const given = givenInputs(body, allowed, own);
  checkNames({ ...variablesOf(body["workflow_definition"]), ...given }, own, allowed.results);
  for (const name of Object.keys(given)) {
    // A driver also sends the values that a definition sets, which changes nothing.
    if (isOneOf(own, name, given[name])) continue;
    // Such names belong to Highway: `_artifact_id` says which code durable tasks run.
    const isReserved = name.startsWith("_") || (allowed.inputs === undefined && Object.hasOwn(own, name));
    if (isReserved) throw issues([{ message: "it is set by the server", path: [name] }]);
  }
  if (allowed.inputs === undefined) return given;
  const result = await allowed.inputs["~standard"].validate(given);
  if (result.issues) throw issues(result.issues);
  if (!isObject(result.value)) throw issues([{ message: "the schema did not return an object" }]);
  return plain(result.value, "/inputs") as Record<string, unknown>;
}

/**
 * Refuses names that would hide other names in templates. The values that a definition sets are accepted, because a
 * driver also sends them.
 */
function checkNames(given: Body, own: Body, results: ReadonlySet<string>): void {
  const found = Object.keys(given).filter((name) => !isOneOf(own, name, given[name]));
  const taken = [
    ...found
      .filter((name) => OF_ENGINE.includes(name))
      .map((name) => [name, "the name belongs to the engine"]),
    ...found.filter((name) => results.has(name)).map((name) => [name, "the name belongs to a task"]),
  ] as [string, string][];
  if (taken.length > 0) {
    throw issues(
      taken.map(([name, message]) => ({ message, path: [name] })),
      400,
    );
  }
}

/** The inputs of a page. The variables of its definition are among them, because a run cannot tell the two apart. */
function givenInputs(body: Body, allowed: Allowed, own: Body): Record<string, unknown> {
  const inputs = body["inputs"] ?? {};
  if (!isObject(inputs)) throw new Refusal(400, "BODY_INVALID", "`inputs` is not an object");
  // With `any`, the page's definition runs, with its variables in it.
  if (allowed.definition === "any") return inputs;
  const variables = Object.entries(variablesOf(body["workflow_definition"]));
  const added = variables.filter(([name, value]) => !isOneOf(own, name, value));
  return { ...Object.fromEntries(added), ...inputs };
}

/** The body for the server. */
export function submission(body: Body, allowed: Allowed, inputs: Record<string, unknown>): object {
  const given = body["workflow_definition"] as Record<string, Json>;
  const definition = allowed.definition === "any" ? given : chosen(given, allowed.definition ?? {});
  const variables = { ...(definition["variables"] as object | undefined), ...inputs };
  return { workflow_definition: { ...definition, variables }, inputs };
}

/** The proxy's definition, after checking that the page sent the same one, or only the name. */
function chosen(given: Record<string, Json>, own: Readonly<Record<string, Json>>): Record<string, Json> {
  const tasks = given["tasks"];
  const isNamed = !isObject(tasks) || Object.keys(tasks).length === 0;
  const names = new Set([...Object.keys(given), ...Object.keys(own)]);
  const differs = [...names].find((name) => !RUN_FIELDS.includes(name) && !isSame(given[name], own[name]));
  if (!isNamed && differs !== undefined) {
    const message = `the page's definition of this workflow differs from the server's in \`${differs}\``;
    throw new Refusal(409, "WORKFLOW_DIFFERS", message);
  }
  const [wanted, limit] = [given["timeout_seconds"], own["timeout_seconds"]];
  const isShorter = typeof wanted === "number" && wanted > 0 && (typeof limit !== "number" || wanted < limit);
  return { ...own, ...(isShorter ? { timeout_seconds: wanted } : {}) };
}

function variablesOf(definition: unknown): Record<string, unknown> {
  const variables = isObject(definition) ? definition["variables"] : undefined;
  return isObject(variables) ? variables : {};
}

const isOneOf = (values: Body, name: string, value: unknown): boolean =>
  Object.hasOwn(values, name) && isSame(values[name], value);

/** Whether two values are the same JSON, in any order of keys. */
function isSame(one: unknown, other: unknown): boolean {
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((item, index) => isSame(item, other[index]));
  }
  if (isObject(one) && isObject(other)) {
    const keys = Object.keys(one);
    return (
      keys.length === Object.keys(other).length &&
      keys.every((key) => Object.hasOwn(other, key) && isSame(one[key], other[key]))
    );
  }
  return one === other;
}

/** The refusal of inputs, in the form of the API's errors. */
function issues(
  found: readonly {
    readonly message: string;
    readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
  }[],
  status = 422,
): Refusal {
  const key = (part: PropertyKey | { readonly key: PropertyKey }): string =>
    String(typeof part === "object" ? part.key : part);
  const details = found.map(({ message, path = [] }) => ({
    field: ["inputs", ...path.map(key)].join("."),
    message,
  }));
  const [first] = details;
  return new Refusal(
    status,
    "INPUTS_INVALID",
    `${first?.field ?? "inputs"}: ${first?.message ?? "invalid"}`,
    {
      details,
    },
  );
}
