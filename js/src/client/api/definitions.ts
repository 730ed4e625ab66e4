/** The definitions that a server keeps, the schemas of their inputs, and the Python DSL. */

import type { CallOptions } from "../options.js";
import { plain } from "../../shared/plain.js";
import { Resource } from "./resource.js";
import type { ApiObject, Definition, DslTemplate, ExecutionGrid, InputCheck } from "./types.js";

/** The definitions of the server, as `highway.definitions`. Permission for every method: `view_workflows`. */
export class Definitions extends Resource {
  /**
   * A definition by its id.
   *
   * @throws {ApiError} `API_NOT_FOUND` for an unknown id.
   */
  get(definitionId: string, options?: CallOptions): Promise<Definition> {
    return this.read("workflows/definitions/{definitionId}", { definitionId }, options);
  }

  /**
   * A definition by the SHA-256 of its content, as hex, with or without the prefix `sha256:`.
   *
   * @throws {ApiError} `API_NOT_FOUND` for an unknown hash.
   */
  async byHash(definitionHash: string, options?: CallOptions): Promise<Definition> {
    const hash = String(definitionHash).replace(/^sha256:/, "");
    return await this.read("workflows/by-hash/{hash}", { hash }, options);
  }

  /** A definition by its name and version number. Default of `tenantId`: `default`. */
  version(
    name: string,
    version: number,
    options: CallOptions & { tenantId?: string } = {},
  ): Promise<Definition> {
    return this.read("workflows/{name}/versions/{version}", { name, version }, options, ["tenantId"]);
  }

  /** A definition with its compiled JSON in `definition_json`. */
  json(definitionId: string, options?: CallOptions): Promise<Definition> {
    return this.read("workflows/definitions/json/{definitionId}", { definitionId }, options);
  }

  /** The Python source of a definition; null if it was submitted as JSON. */
  async pythonSource(definitionId: string, options?: CallOptions): Promise<string | null> {
    const path = "workflows/definitions/dsl/python/{definitionId}";
    const { python_dsl: source } = await this.read<Definition>(path, { definitionId }, options);
    return typeof source === "string" ? source : null;
  }

  /** The state of each task in each run of the last `days` days; default: 30, at most 90. */
  grid(definitionId: string, options: CallOptions & { days?: number } = {}): Promise<ExecutionGrid> {
    const path = "workflows/definitions/{definitionId}/executions/grid";
    return this.read(path, { definitionId }, options, ["days"]);
  }
}

/** The schemas of workflow inputs, as `highway.schemas`. */
export class Schemas extends Resource {
  /** All schemas, or with `workflowName` the versions of that workflow's schema. */
  list(options: CallOptions & { workflowName?: string } = {}): Promise<ApiObject[]> {
    return this.readAll("schemas", {}, options, ["workflowName"], ["schemas", "versions"]);
  }

  /** Counts of schemas. */
  stats(options?: CallOptions): Promise<ApiObject> {
    return this.read("schemas/stats", {}, options);
  }

  /**
   * The schema of a workflow; default: the latest version.
   *
   * @throws {ApiError} `API_NOT_FOUND` for an unknown workflow or version.
   */
  get(workflowName: string, options: CallOptions & { version?: number } = {}): Promise<ApiObject> {
    return this.read("schemas/{workflowName}", { workflowName }, options, ["version"]);
  }

  /** Checks inputs against a schema. Inputs that do not match are reported in the result; nothing is thrown. */
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

  /** Marks a version of a schema as deprecated. */
  deprecate(workflowName: string, version: number, options?: CallOptions): Promise<ApiObject> {
    const path = "schemas/{workflowName}/versions/{version}";
    return this.write("DELETE", path, { workflowName, version }, options);
  }
}

/** Workflows written in Python, as `highway.dsl`. */
export class Dsl extends Resource {
  /**
   * Compiles Python source to a definition on the server.
   *
   * @throws {ApiError} with the server's code for a fault in the source.
   */
  async compile(code: string, options?: CallOptions): Promise<ApiObject> {
    const what = { body: { code }, repeatable: true };
    const answer = this.objectOf(await this.write<ApiObject>("POST", "dsl_to_json", {}, options, what));
    return (answer["workflow_definition"] ?? answer) as ApiObject;
  }

  /** All templates to start a workflow from, without their source. */
  templates(options: CallOptions = {}): Promise<DslTemplate[]> {
    return this.readAll("dsl_templates", {}, options, [], ["templates"]);
  }

  /**
   * A template with its source.
   *
   * @throws {ApiError} `API_NOT_FOUND` for an unknown name.
   */
  template(templateName: string, options?: CallOptions): Promise<DslTemplate> {
    return this.read("dsl_templates/{templateName}", { templateName }, options);
  }
}
