/** Definitions that a server keeps, the schemas of their inputs, and the Python DSL. */

import type { CallOptions } from "../options.js";
import { plain } from "../../shared/plain.js";
import { Resource } from "./resource.js";
import type { ApiObject, Definition, DslTemplate, ExecutionGrid, InputCheck } from "./types.js";

/** `client.definitions`. Permission of all: `view_workflows`. */
export class Definitions extends Resource {
  /** A definition by its id. @throws {ApiError} `API_NOT_FOUND`. */
  get(definitionId: string, options?: CallOptions): Promise<Definition> {
    return this.read("workflows/definitions/{definitionId}", { definitionId }, options);
  }

  /** A definition by its content: SHA-256 as hex, with or without `sha256:` in front. @throws {ApiError} `API_NOT_FOUND`. */
  async byHash(definitionHash: string, options?: CallOptions): Promise<Definition> {
    const hash = String(definitionHash).replace(/^sha256:/, "");
    return await this.read("workflows/by-hash/{hash}", { hash }, options);
  }

  /** A definition by its name and the number of its version. `tenantId`: `default` by default. */
  version(
    name: string,
    version: number,
    options: CallOptions & { tenantId?: string } = {},
  ): Promise<Definition> {
    return this.read("workflows/{name}/versions/{version}", { name, version }, options, ["tenantId"]);
  }

  /** The compiled JSON of a definition, in `definition_json`. */
  json(definitionId: string, options?: CallOptions): Promise<Definition> {
    return this.read("workflows/definitions/json/{definitionId}", { definitionId }, options);
  }

  /** The Python source of a definition; null where it was submitted as JSON. */
  async pythonSource(definitionId: string, options?: CallOptions): Promise<string | null> {
    const path = "workflows/definitions/dsl/python/{definitionId}";
    const { python_dsl: source } = await this.read<Definition>(path, { definitionId }, options);
    return typeof source === "string" ? source : null;
  }

  /** The runs of the last `days` (30 by default, at most 90) against the tasks. */
  grid(definitionId: string, options: CallOptions & { days?: number } = {}): Promise<ExecutionGrid> {
    const path = "workflows/definitions/{definitionId}/executions/grid";
    return this.read(path, { definitionId }, options, ["days"]);
  }
}

/** `client.schemas`: what the inputs of workflows have to look like. */
export class Schemas extends Resource {
  /** All schemas, or the versions of one workflow's. */
  list(options: CallOptions & { workflowName?: string } = {}): Promise<ApiObject[]> {
    return this.readAll("schemas", {}, options, ["workflowName"], ["schemas", "versions"]);
  }

  /** Counts. */
  stats(options?: CallOptions): Promise<ApiObject> {
    return this.read("schemas/stats", {}, options);
  }

  /** The schema of a workflow; the latest where no version is named. @throws {ApiError} `API_NOT_FOUND`. */
  get(workflowName: string, options: CallOptions & { version?: number } = {}): Promise<ApiObject> {
    return this.read("schemas/{workflowName}", { workflowName }, options, ["version"]);
  }

  /** Checks inputs; those that do not fit are a result like any other. */
  async validate(
    workflowName: string,
    inputs: Record<string, unknown>,
    options: CallOptions & { version?: number } = {},
  ): Promise<InputCheck> {
    const body = { input_data: plain(inputs, "/inputs") };
    return await this.write("POST", "schemas/{workflowName}/validate", { workflowName }, options, {
      body,
      names: ["version"],
      repeatable: true,
    });
  }

  /** Marks a version as one that is not to be used any more. */
  deprecate(workflowName: string, version: number, options?: CallOptions): Promise<ApiObject> {
    const path = "schemas/{workflowName}/versions/{version}";
    return this.write("DELETE", path, { workflowName, version }, options);
  }
}

/** `client.dsl`: workflows written in Python. */
export class Dsl extends Resource {
  /** Has the server turn Python source into a definition. @throws {ApiError} the code of what is wrong in the source. */
  async compile(code: string, options?: CallOptions): Promise<ApiObject> {
    const what = { body: { code }, repeatable: true };
    const answer = this.objectOf(await this.write<ApiObject>("POST", "dsl_to_json", {}, options, what));
    return (answer["workflow_definition"] ?? answer) as ApiObject;
  }

  /** Templates to begin with. */
  templates(options: CallOptions = {}): Promise<DslTemplate[]> {
    return this.readAll("dsl_templates", {}, options, [], ["templates"]);
  }

  /** A template with its source. @throws {ApiError} `API_NOT_FOUND`. */
  template(templateName: string, options?: CallOptions): Promise<DslTemplate> {
    return this.read("dsl_templates/{templateName}", { templateName }, options);
  }
}
