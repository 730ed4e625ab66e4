/** The server itself: health, version, what it does right now, its circuit breakers. */

import type { CallOptions } from "../options.js";
import { Resource } from "./resource.js";
import type { ApiObject, CircuitBreaker, Health } from "./types.js";

/** `client.system` */
export class System extends Resource {
  /** Whether the server is well. @throws {ApiError} `API_SERVER_ERROR` (503) when it is not. */
  health(options?: CallOptions): Promise<Health> {
    return this.read("health", {}, options);
  }

  /** Metrics to raise alarms by. `interval` is a length of time as PostgreSQL writes it; `15 minutes` by default. */
  metrics(options: CallOptions & { interval?: string; allTenants?: boolean } = {}): Promise<ApiObject> {
    return this.read("health/metrics", {}, options, ["interval", "allTenants"]);
  }

  /** What the server runs. */
  version(options?: CallOptions): Promise<ApiObject> {
    return this.read("version", {}, options);
  }

  /** Asks for a sign of life. The answer may be of any kind. */
  async ping(options?: CallOptions): Promise<unknown> {
    return await this.read("/ping", {}, options, [], { expects: "text" });
  }
}

/** `client.monitoring` */
export class Monitoring extends Resource {
  /** Tasks that were active in the last `minutes`; 5 by default. */
  live(options: CallOptions & { minutes?: number } = {}): Promise<ApiObject[]> {
    return this.readAll("monitoring/live", {}, options, ["minutes"], ["tasks"]);
  }
}

/** `client.circuitBreakers`: the server's own, around what tasks use. */
export class CircuitBreakers extends Resource {
  /** All of them, or those in one state. */
  list(options: CallOptions & { state?: "OPEN" | "CLOSED" | "HALF_OPEN" } = {}): Promise<CircuitBreaker[]> {
    return this.readAll("circuit-breakers", {}, options, ["state"], ["circuit_breakers"]);
  }

  /** One, by what it protects: `http_request`, `shell_command`. @throws {ApiError} `API_NOT_FOUND`. */
  get(resourceKey: string, options?: CallOptions): Promise<CircuitBreaker> {
    return this.read("circuit-breakers/{resourceKey}", { resourceKey }, options);
  }

  /** Closes one. @throws {ApiError} `API_NOT_FOUND`. */
  reset(resourceKey: string, options?: CallOptions): Promise<ApiObject> {
    return this.write("POST", "circuit-breakers/{resourceKey}/reset", { resourceKey }, options);
  }

  /** Has the workers forget what they know of all of them. */
  resetAll(options?: CallOptions): Promise<ApiObject> {
    return this.write("POST", "circuit-breakers/reset", {}, options);
  }
}
