/** The server itself: health, version, activity, circuit breakers. */

import type { CallOptions } from "../options.js";
import { Resource } from "./resource.js";
import type { ApiObject, CircuitBreaker, Health } from "./types.js";

/** Health and version of the server, as `highway.system`. */
export class System extends Resource {
  /**
   * The health of the server.
   *
   * @throws {ApiError} `API_SERVER_ERROR` (status 503) if the server is not healthy.
   */
  health(options?: CallOptions): Promise<Health> {
    return this.read("health", {}, options);
  }

  /** Metrics for alerts. `interval` is a PostgreSQL interval; default: `15 minutes`. */
  metrics(options: CallOptions & { interval?: string; allTenants?: boolean } = {}): Promise<ApiObject> {
    return this.read("health/metrics", {}, options, ["interval", "allTenants"]);
  }

  /** The version of the server. */
  version(options?: CallOptions): Promise<ApiObject> {
    return this.read("version", {}, options);
  }

  /** Checks that the server answers. The answer has no fixed shape. */
  async ping(options?: CallOptions): Promise<unknown> {
    return await this.read("/ping", {}, options, [], { expects: "text" });
  }
}

/** The present activity of the server, as `highway.monitoring`. */
export class Monitoring extends Resource {
  /** Tasks that were active in the last `minutes` minutes; default: 5. */
  live(options: CallOptions & { minutes?: number } = {}): Promise<ApiObject[]> {
    return this.readAll("monitoring/live", {}, options, ["minutes"], ["tasks"]);
  }
}

/** The server's circuit breakers around resources of tasks, as `highway.circuitBreakers`. */
export class CircuitBreakers extends Resource {
  /** All circuit breakers, or those in one state. */
  list(options: CallOptions & { state?: "OPEN" | "CLOSED" | "HALF_OPEN" } = {}): Promise<CircuitBreaker[]> {
    return this.readAll("circuit-breakers", {}, options, ["state"], ["circuit_breakers"]);
  }

  /**
   * One circuit breaker, by the resource that it protects, such as `http_request` or `shell_command`.
   *
   * @throws {ApiError} `API_NOT_FOUND` for an unknown resource.
   */
  get(resourceKey: string, options?: CallOptions): Promise<CircuitBreaker> {
    return this.read("circuit-breakers/{resourceKey}", { resourceKey }, options);
  }

  /**
   * Closes a circuit breaker.
   *
   * @throws {ApiError} `API_NOT_FOUND` for an unknown resource.
   */
  reset(resourceKey: string, options?: CallOptions): Promise<ApiObject> {
    return this.write("POST", "circuit-breakers/{resourceKey}/reset", { resourceKey }, options);
  }

  /** Makes the workers drop their cached states of all circuit breakers. */
  resetAll(options?: CallOptions): Promise<ApiObject> {
    return this.write("POST", "circuit-breakers/reset", {}, options);
  }
}
