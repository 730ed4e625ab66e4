/**
 * The API's operations about the server, its users and its apps: parameters, bodies and answers. `Codes` are the HTTP
 * status codes that the API reference lists. Only types, so nothing of it is loaded.
 */

import type {
  ApiKey,
  ApiObject,
  CircuitBreaker,
  CreatedApiKey,
  Health,
  IssuedToken,
  RotatedApiKey,
  Token,
} from "./types.js";

/** A user of a tenant. */
interface User extends ApiObject {
  readonly email: string;
  readonly role: string;
  readonly tenant_id: string;
  readonly roles?: readonly string[];
  readonly display_name?: string | null;
  readonly is_active?: boolean;
  readonly created_at?: string;
  readonly last_login?: string | null;
}

/** An invitation to a tenant. */
interface Invitation extends ApiObject {
  readonly invitation_id: string;
  readonly email: string;
  readonly role: string;
  /** `pending`, `accepted`, `expired` or `revoked`. */
  readonly status: string;
  readonly invited_by?: string;
  readonly created_at?: string;
  readonly expires_at?: string;
  readonly accepted_at?: string | null;
}

/** The descriptive fields of an app. */
interface AppFields {
  display_name?: string;
  description?: string;
  category?: string;
  tags?: readonly string[];
  visibility?: string;
  icon_url?: string;
  documentation_url?: string;
  homepage_url?: string;
}

/** Operations about the server, access to it, workers and apps. */
export interface SystemOperations {
  // System & pages
  /** Health. Codes: 200, 422, 503. */
  "GET /api/v1/health": { data: Health };
  /** Alerting metrics. Codes: 200. */
  "GET /api/v1/health/metrics": { query?: { interval?: string; all_tenants?: boolean }; data: unknown };
  /** Version number, git info, timestamp. Codes: 200. */
  "GET /api/v1/version": { data: unknown };
  /** Liveness. */
  "GET /ping": { data: unknown };
  /** Home page. */
  "GET /": { data: unknown };
  /** Login page. */
  "GET /login": { data: unknown };
  /** Icon. */
  "GET /favicon.ico": { data: unknown };

  // Browser auth
  /** Start Google OAuth2. */
  "GET /api/v1/auth/login": {
    query?: { tenant_id?: string; on_success_redirect?: string; on_failure_redirect?: string };
    data: unknown;
  };
  /** OAuth2 callback. */
  "GET /api/v1/auth/oauth": { query?: { code?: string; state?: string; error?: string }; data: unknown };
  /** Logout (stateless). */
  "GET /api/v1/auth/logout": {
    query?: { on_success_redirect?: string; on_failure_redirect?: string };
    data: unknown;
  };
  /** Logout (stateless). */
  "POST /api/v1/auth/logout": { data: unknown };
  /** Check a JWT. */
  "POST /api/v1/auth/verify": {
    body: { token: string };
    data: { email: string; tenant_id: string; expires_at: string };
  };

  // RBAC
  /** Own permissions. Codes: 200. */
  "GET /api/v1/rbac/my-permissions": {
    data: { user_email: string; tenant: string; permissions: { name: string }[] };
  };
  /** Own roles. Codes: 200. */
  "GET /api/v1/rbac/my-roles": {
    data: { user_email: string; tenant: string; roles: { role: string; description: string }[] };
  };
  /** Roles of the tenant. Codes: 200. */
  "GET /api/v1/rbac/roles": {
    data: { tenant: string; roles: { role: string; description: string; permissions: string[] }[] };
  };
  /** Roles holding a permission. Codes: 200, 404. */
  "GET /api/v1/rbac/permissions/{permission_name}/roles": {
    data: { permission: string; roles_with_permission: string[] };
  };

  // Admin: API keys (typed)
  /** All API keys. Codes: 200, 400, 422. */
  "GET /api/v1/admin/api-keys": {
    query?: { include_inactive?: boolean; page?: number; per_page?: number };
    data: { api_keys: ApiKey[]; total: number };
  };
  /** Create. Codes: 201, 400, 409, 422. */
  "POST /api/v1/admin/api-keys": {
    body: {
      name: string;
      description?: string;
      permissions?: readonly string[];
      expires_at?: string;
      ip_whitelist?: readonly string[];
    };
    data: CreatedApiKey;
  };
  /** One API key. Codes: 200, 400, 404, 422. */
  "GET /api/v1/admin/api-keys/{api_key_id}": { data: ApiKey };
  /** Deactivate. Codes: 200, 400, 404, 409, 422. */
  "DELETE /api/v1/admin/api-keys/{api_key_id}": {
    body?: { reason?: string };
    data: { api_key_id: string; message: string; status?: string };
  };
  /** Rotate with overlap. Codes: 200, 400, 404, 422. */
  "POST /api/v1/admin/api-keys/{api_key_id}/rotate": {
    body?: { grace_period_hours?: number };
    data: RotatedApiKey;
  };

  // Admin: tokens (typed)
  /** All tokens. Codes: 200, 400, 422. */
  "GET /api/v1/admin/tokens": {
    query?: { user_email?: string; include_revoked?: boolean; page?: number; per_page?: number };
    data: { tokens: Token[]; total: number };
  };
  /** Issue JWT. Codes: 201, 400, 422, 503. */
  "POST /api/v1/admin/tokens": {
    body: { user_email: string; expires_in_hours?: number; description?: string; scopes?: readonly string[] };
    data: IssuedToken;
  };
  /** One token. Codes: 200, 400, 404, 422. */
  "GET /api/v1/admin/tokens/{token_id}": { data: Token };
  /** Revoke. Codes: 200, 400, 404, 409, 422. */
  "DELETE /api/v1/admin/tokens/{token_id}": {
    body?: { reason?: string };
    data: { token_id: string; message: string; status?: string };
  };
  /** Revoke all of a user. Codes: 200, 400, 404, 422. */
  "POST /api/v1/admin/tokens/revoke-all/{user_email}": {
    body?: { reason?: string };
    data: { message: string; revoked_count: number; user_email: string };
  };

  // Admin: invitations (typed)
  /** All invitations. Codes: 200, 400, 422. */
  "GET /api/v1/admin/invitations": {
    query?: {
      status?: "pending" | "accepted" | "expired" | "cancelled";
      email?: string;
      page?: number;
      per_page?: number;
    };
    data: { invitations: Invitation[]; total: number };
  };
  /** Invite. Codes: 201, 400, 409, 422. */
  "POST /api/v1/admin/invitations": {
    body: { email: string; roles?: readonly string[]; message?: string; expires_in_days?: number };
    data: Invitation;
  };
  /** One invitation. Codes: 200, 400, 404, 422. */
  "GET /api/v1/admin/invitations/{invitation_id}": { data: Invitation };
  /** Cancel. Codes: 200, 400, 404, 409, 422. */
  "DELETE /api/v1/admin/invitations/{invitation_id}": { body?: { reason?: string }; data: Invitation };
  /** New token + expiry. Codes: 200, 400, 404, 409, 422. */
  "POST /api/v1/admin/invitations/{invitation_id}/resend": {
    body?: { expires_in_days?: number };
    data: { invitation_id: string; email: string; message: string; new_expires_at: string };
  };
  /** Accept; PUBLIC, no auth. Codes: 200, 400, 404, 409, 410, 422. */
  "POST /api/v1/invitations/accept": {
    body: { token: string; email: string };
    data: { email: string; message: string; role: string; tenant_id: string; access_token?: string };
  };

  // Users (typed)
  /** All users. Codes: 200, 403, 422. */
  "GET /api/v1/users": {
    query?: { role?: string; page?: number; per_page?: number };
    data: { users: User[]; total: number };
  };
  /** Create by role assignment. Codes: 201, 400, 403, 409, 422. */
  "POST /api/v1/users": { body: { email: string; role?: string; roles?: readonly string[] }; data: User };
  /** One user. Codes: 200, 404, 422. */
  "GET /api/v1/users/{email}": { data: User };
  /** Replace all roles. Codes: 200, 400, 404, 422. */
  "PATCH /api/v1/users/{email}": { body: { roles: readonly string[] }; data: User };
  /** Remove all roles. Codes: 200, 404, 422. */
  "DELETE /api/v1/users/{email}": { data: unknown };
  /** Add role. Codes: 200, 400, 404, 422. */
  "POST /api/v1/users/{email}/roles": {
    body: { role: string };
    data: { email: string; message: string; role: string; roles: string[] };
  };
  /** Remove role (400 for the last one). Codes: 200, 400, 404, 422. */
  "DELETE /api/v1/users/{email}/roles/{role}": {
    data: { email: string; message: string; role: string; roles: string[] };
  };

  // Admin: audit, tenants, idempotency
  /** All entries of the audit log. Codes: 200. */
  "GET /api/v1/admin/audit-logs": {
    query?: {
      action_type?: "create" | "update" | "delete" | "revoke" | "rotate";
      resource_type?: "api_key" | "api_token" | "user" | "invitation";
      user_email?: string;
      resource_id?: string;
      start_date?: string;
      end_date?: string;
      page?: number;
      per_page?: number;
    };
    data: { audit_logs: ApiObject[]; total: number };
  };
  /** One entry of the audit log. Codes: 200, 404. */
  "GET /api/v1/admin/audit-logs/{log_id}": { data: unknown };
  /** Tenants the caller can use. Codes: 200, 500. */
  "GET /api/v1/tenants": { data: { tenants: string[]; total: number } };
  /** Test helper: delete one record (200 even if absent). Codes: 200, 500. */
  "DELETE /api/v1/idempotency/{idempotency_key}": { data: { message: string; records_deleted: number } };
  /** Test helper: delete all records. Codes: 200, 500. */
  "POST /api/v1/idempotency/reset-all": { data: { message: string; records_deleted: number } };

  // Circuit breakers
  /** All circuit breakers. Codes: 200, 500, 503. */
  "GET /api/v1/circuit-breakers": {
    query?: { state?: "OPEN" | "CLOSED" | "HALF_OPEN" };
    data: { circuit_breakers: CircuitBreaker[] };
  };
  /** One circuit breaker. Codes: 200, 404, 500, 503. */
  "GET /api/v1/circuit-breakers/{resource_key}": { data: CircuitBreaker };
  /** Signal workers to drop caches. Codes: 200, 500. */
  "POST /api/v1/circuit-breakers/reset": { data: unknown };
  /** Delete the breaker row. Codes: 200, 404, 500, 503. */
  "POST /api/v1/circuit-breakers/{resource_key}/reset": { data: unknown };

  // Analytics & monitoring
  /** Event timeline. Codes: 200, 500. */
  "GET /api/v1/analytics/events": {
    query?: { workflow_run_id?: string; event_type?: string; hours?: number; limit?: number };
    data: unknown;
  };
  /** Durations, success rate. Codes: 200, 500. */
  "GET /api/v1/analytics/performance": { query?: { days?: number; workflow_name?: string }; data: unknown };
  /** Queues with health. Codes: 200, 500. */
  "GET /api/v1/analytics/queues": { query?: { tenant_id?: string }; data: unknown };
  /** One queue (queue = workflow name here). Codes: 200, 500. */
  "GET /api/v1/analytics/queues/{queue_name}": { data: unknown };
  /** States × queues. Codes: 200, 500. */
  "GET /api/v1/analytics/tasks/distribution": { query?: { days?: number }; data: unknown };
  /** Tasks. Codes: 200, 500. */
  "GET /api/v1/analytics/tasks/list": {
    query?: { queue_name?: string; status?: string; limit?: number; offset?: number };
    data: unknown;
  };
  /** Tasks active now. Codes: 200, 500. */
  "GET /api/v1/monitoring/live": {
    query?: { minutes?: number };
    data: { count: number; tasks: ApiObject[] };
  };

  // Workers
  /** All workers. Codes: 200. */
  "GET /api/v1/workers": {
    query?: {
      status?: "online" | "offline" | "paused" | "draining";
      queue_name?: string;
      machine_id?: string;
    };
    data: unknown;
  };
  /** Counts, capacity, load. Codes: 200. */
  "GET /api/v1/workers/summary": { data: unknown };
  /** One worker. Codes: 200, 404. */
  "GET /api/v1/workers/{worker_id}": { data: unknown };
  /** Remove from registry. Codes: 200, 404. */
  "DELETE /api/v1/workers/{worker_id}": { data: unknown };
  /** Mark stale offline. Codes: 200. */
  "POST /api/v1/workers/cleanup": { body?: { threshold_seconds?: number }; data: unknown };
  /** Drain. Codes: 200, 404. */
  "POST /api/v1/workers/{worker_id}/drain": { data: unknown };
  /** Pause. Codes: 200, 404. */
  "POST /api/v1/workers/{worker_id}/pause": { body?: { reason?: string }; data: unknown };
  /** Resume. Codes: 200, 404. */
  "POST /api/v1/workers/{worker_id}/resume": { body?: { batch_size?: number }; data: unknown };
  /** Capacity. Codes: 200, 404. */
  "PUT /api/v1/workers/{worker_id}/capacity": {
    body?: { batch_size?: number; max_concurrent_tasks?: number };
    data: unknown;
  };

  // Apps (registry)
  /** All apps. Codes: 200. */
  "GET /api/v1/apps": {
    query?: {
      page?: number;
      page_size?: number;
      category?: string;
      status?: string;
      visibility?: string;
      search?: string;
    };
    data: unknown;
  };
  /** Register. Codes: 201, 400, 409. */
  "POST /api/v1/apps": { body: { app_name: string } & AppFields; data: unknown };
  /** Categories with counts. Codes: 200. */
  "GET /api/v1/apps/categories": { data: unknown };
  /** Public apps. Codes: 200. */
  "GET /api/v1/apps/marketplace": {
    query?: { page?: number; page_size?: number; category?: string };
    data: unknown;
  };
  /** Detail + versions. Codes: 200, 404. */
  "GET /api/v1/apps/{app_id}": { data: unknown };
  /** Update metadata (owner only). Codes: 200, 403, 404. */
  "PATCH /api/v1/apps/{app_id}": { body?: AppFields; data: unknown };
  /** Soft delete (owner only). Codes: 200, 403, 404. */
  "DELETE /api/v1/apps/{app_id}": { data: unknown };
  /** Versions. Codes: 200, 404. */
  "GET /api/v1/apps/{app_id}/versions": { data: unknown };
  /** New draft version. Codes: 201, 400, 404, 409. */
  "POST /api/v1/apps/{app_id}/versions": {
    body: {
      version: number;
      entrypoint_type: string;
      entrypoint_config: object;
      actions: object;
      required_secrets: readonly string[];
      configuration_schema: object;
      changelog: string;
    };
    data: unknown;
  };
  /** One version. Codes: 200, 404. */
  "GET /api/v1/apps/{app_id}/versions/{version_id}": { data: unknown };
  /** Publish a draft. Codes: 200, 400, 404. */
  "POST /api/v1/apps/{app_id}/versions/{version_id}/publish": { data: unknown };
  /** Deprecate a published version. Codes: 200, 400, 404. */
  "POST /api/v1/apps/{app_id}/versions/{version_id}/deprecate": { data: unknown };

  // Tenant apps (installations)
  /** Installed apps. Codes: 200. */
  "GET /api/v1/tenant/apps": {
    query?: { page?: number; page_size?: number; status?: string; category?: string };
    data: unknown;
  };
  /** Install. Codes: 201, 400, 404, 409. */
  "POST /api/v1/tenant/apps": {
    body: { app_id: string; version_id?: string; configuration?: object };
    data: unknown;
  };
  /** Tools from installed apps. Codes: 200. */
  "GET /api/v1/tenant/apps/tools": { data: unknown };
  /** One app. Codes: 200, 404. */
  "GET /api/v1/tenant/apps/{installation_id}": { data: unknown };
  /** Uninstall. Codes: 200, 404. */
  "DELETE /api/v1/tenant/apps/{installation_id}": { data: unknown };
  /** Configuration + schema. Codes: 200, 404. */
  "GET /api/v1/tenant/apps/{installation_id}/config": { data: unknown };
  /** Update configuration. Codes: 200, 400, 404. */
  "PATCH /api/v1/tenant/apps/{installation_id}/config": { body: { configuration: object }; data: unknown };
  /** Enable (400 if enabled). Codes: 200, 400, 404. */
  "POST /api/v1/tenant/apps/{installation_id}/enable": { data: unknown };
  /** Disable (400 if disabled). Codes: 200, 400, 404. */
  "POST /api/v1/tenant/apps/{installation_id}/disable": { data: unknown };
  /** Upgrade (400 same version / downgrade). Codes: 200, 400, 404. */
  "POST /api/v1/tenant/apps/{installation_id}/upgrade": { body?: { version_id?: string }; data: unknown };
  /** Execution logs. Codes: 200, 404. */
  "GET /api/v1/tenant/apps/{installation_id}/logs": {
    query?: {
      page?: number;
      page_size?: number;
      status?: string;
      action_name?: string;
      start_time?: string;
      end_time?: string;
    };
    data: unknown;
  };
  /** Log with input/output. Codes: 200, 404. */
  "GET /api/v1/tenant/apps/{installation_id}/logs/{log_id}": { data: unknown };
  /** Secret names + state, never values. Codes: 200, 404. */
  "GET /api/v1/tenant/apps/{installation_id}/secrets": { data: unknown };
  /** Set secret. Codes: 200, 400, 404. */
  "PUT /api/v1/tenant/apps/{installation_id}/secrets/{secret_name}": {
    body: { value: string };
    data: unknown;
  };
  /** Delete secret. Codes: 200, 404. */
  "DELETE /api/v1/tenant/apps/{installation_id}/secrets/{secret_name}": { data: unknown };
}
