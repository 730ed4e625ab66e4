// Every method of the parts of `Highway`: the call, its request, and its result for an answer. Written from the API
// reference, not from the source.
//
// A row is `[call, request, more]`:
// - `call`: `"part.method"`, and its arguments before the options
// - `request`: method and path
// - `options`: the options of the call; `query` and `body`: what they and the arguments become. Query values are texts.
// - the result: the unchanged `data` of the answer; or the list under one of `lists`; or a `List` with the items under
//   one of `pages`; or `gives`, for `answer`.

const workflow = { name: "flow", tasks: { a: { task_id: "a", operator_type: "task", function: "f" } } };
const since = new Date(Date.UTC(2026, 0, 2, 3, 4, 5));
const iso = "2026-01-02T03:04:05.000Z";
const until = "2026-02-01T00:00:00Z";

export const callRows = [
  // Workflows
  [
    ["workflows.submit"],
    "POST /api/v1/workflows",
    {
      options: { workflow, inputs: { a: 1, at: since }, idempotencyKey: "k-1" },
      body: { workflow_definition: workflow, inputs: { a: 1, at: iso } },
      answer: { workflow_run_id: "run-1", run_id: "attempt-1", definition_id: "d" },
      gives: { runId: "run-1", workflowId: "k-1" },
    },
  ],
  [
    ["workflows.submit"],
    "POST /api/v1/workflows",
    {
      options: { pythonDsl: "def get_workflow(): ..." },
      body: { python_dsl: "def get_workflow(): ...", inputs: {} },
      answer: { run_id: "attempt-1" },
      gives: { runId: "attempt-1", workflowId: null },
    },
  ],
  [
    ["workflows.register"],
    "POST /api/v1/workflows",
    { options: { workflow }, body: { workflow_definition: workflow, execute: false } },
  ],
  [
    ["workflows.register"],
    "POST /api/v1/workflows",
    { options: { pythonDsl: "x" }, body: { python_dsl: "x", execute: false } },
  ],
  [
    ["workflows.list"],
    "GET /api/v1/workflows",
    {
      query: { page: "1" },
      pages: ["workflows"],
      items: [{ workflow_run_id: "r", status: "running" }],
      gives: [{ runId: "r", state: "running" }],
    },
  ],
  [
    ["workflows.list"],
    "GET /api/v1/workflows",
    {
      options: { status: "failed", days: 3, pageSize: 50 },
      query: { page: "1", page_size: "50", status: "failed", days: "3" },
      pages: ["workflows"],
      items: [{ workflow_run_id: "r", status: "failed" }],
      gives: [{ runId: "r", state: "failed" }],
    },
  ],
  [
    ["workflows.get", "r/1"],
    "GET /api/v1/workflows/r%2F1",
    {
      answer: { workflow_run_id: "r/1", status: "running" },
      gives: { runId: "r/1", state: "running", status: "running" },
    },
  ],
  [
    ["workflows.cancel", "r/1", "why"],
    "POST /api/v1/workflows/r%2F1/cancel",
    { body: { reason: "why" }, answer: {}, gives: true },
  ],
  [
    ["workflows.retry", "r/1"],
    "POST /api/v1/workflows/r%2F1/retry",
    {
      answer: { original_workflow_run_id: "r/1", new_workflow_run_id: "r2", new_run_id: "x", message: "m" },
      gives: { runId: "r2", workflowId: null },
    },
  ],
  [
    ["workflows.events", "r/1"],
    "GET /api/v1/workflows/r%2F1/events",
    { options: { limit: 7 }, query: { limit: "7" }, lists: ["events"] },
  ],
  [
    ["workflows.graph", "r/1"],
    "GET /api/v1/workflows/r%2F1/graph",
    { answer: "graph TD", gives: "graph TD" },
  ],
  [
    ["workflows.dot", "r/1"],
    "GET /api/v1/workflows/r%2F1/graph/dot",
    { answer: "digraph {}", gives: "digraph {}" },
  ],
  [["workflows.checkpoints", "r/1"], "GET /api/v1/workflows/r%2F1/checkpoints", { lists: ["checkpoints"] }],
  [["workflows.locks", "r/1"], "GET /api/v1/workflows/r%2F1/locks", {}],
  [["workflows.sagas", "r/1"], "GET /api/v1/workflows/r%2F1/sagas", {}],
  [
    ["workflows.query", "r/1"],
    "GET /api/v1/workflows/r%2F1/query",
    {
      options: { variable: "v w", all: true, includeVersion: false },
      query: { variable: "v w", all: "true", include_version: "false" },
    },
  ],
  [
    ["workflows.stats"],
    "GET /api/v1/workflows/stats",
    {
      options: { workflowName: "w", since, until, hours: 24 },
      query: { workflow_name: "w", since: iso, until, hours: "24" },
    },
  ],
  [["workflows.metrics", "r/1"], "GET /api/v1/workflows/r%2F1/metrics", {}],
  [
    ["workflows.replay", "r/1"],
    "GET /api/v1/workflows/r%2F1/replay",
    {
      options: { format: "json", verbose: true, includeChildren: false },
      query: { format: "json", verbose: "true", include_children: "false" },
    },
  ],
  [["workflows.replaySteps", "r/1"], "GET /api/v1/workflows/r%2F1/replay/steps", { lists: ["steps"] }],
  [
    ["workflows.simulate", "r/1"],
    "POST /api/v1/workflows/r%2F1/simulate",
    { options: { resumeFrom: "s" }, body: { resume_from: "s" } },
  ],
  [["workflows.simulate", "r/1"], "POST /api/v1/workflows/r%2F1/simulate", {}],

  // Attempts, steps
  [
    ["runs.list"],
    "GET /api/v1/runs",
    {
      options: { state: "sleeping", pageSize: 5 },
      query: { state: "sleeping", page: "1", page_size: "5" },
      pages: ["runs"],
      items: [{ run_id: "a" }],
    },
  ],
  [["runs.get", "a/1"], "GET /api/v1/runs/a%2F1", {}],
  [["runs.checkpoints", "a/1"], "GET /api/v1/runs/a%2F1/checkpoints", { lists: ["checkpoints"] }],
  [
    ["steps.list", "r/1"],
    "GET /api/v1/workflows/r%2F1/steps",
    { options: { status: "succeeded" }, query: { status: "succeeded", cursor: "0" }, lists: ["steps"] },
  ],
  [["steps.get", "r/1", "s 1"], "GET /api/v1/workflows/r%2F1/steps/s%201", {}],
  [
    ["steps.checkpoints", "r/1", "s 1"],
    "GET /api/v1/workflows/r%2F1/steps/s%201/checkpoints",
    { lists: ["checkpoints"] },
  ],
  [
    ["steps.logs", "r/1"],
    "GET /api/v1/workflows/r%2F1/steps/logs",
    {
      answer: { logs: [{ step_name: "a", attempt: 1, stream: "stderr", content: "c", timestamp: iso }] },
      gives: [{ task: "a", attempt: 1, stream: "stderr", content: "c", timestamp: iso }],
    },
  ],
  [["steps.log", "r/1", "s 1"], "GET /api/v1/workflows/r%2F1/steps/s%201/logs", {}],

  // Logs
  [
    ["logs.workflows"],
    "GET /api/v1/logs/workflows",
    {
      options: { workflowName: "w", status: "failure", since, until, pageSize: 9 },
      query: { workflow_name: "w", status: "failure", since: iso, until, limit: "9", offset: "0" },
      pages: ["workflows"],
      items: [{ workflow_run_id: "r", absurd_run_id: "a" }],
    },
  ],
  [["logs.workflow", "r/1"], "GET /api/v1/logs/workflows/r%2F1", {}],
  [["logs.task", "r/1", "t 1"], "GET /api/v1/logs/workflows/r%2F1/tasks/t%201", {}],
  [
    ["logs.activities", "r/1"],
    "GET /api/v1/logs/workflows/r%2F1/activities",
    { options: { includeLogs: true }, query: { include_logs: "true" }, lists: ["activities"] },
  ],
  [["logs.activity", "r/1", "a 1"], "GET /api/v1/logs/workflows/r%2F1/activities/a%201", {}],
  [
    ["logs.recentActivities"],
    "GET /api/v1/logs/activities",
    { options: { limit: 500 }, query: { limit: "500" }, lists: ["activities"] },
  ],
  [
    ["logs.stats"],
    "GET /api/v1/logs/stats",
    { options: { workflowName: "w", since, until }, query: { workflow_name: "w", since: iso, until } },
  ],

  // Signals, updates, approvals
  [["signals.pending", "r/1"], "GET /api/v1/workflows/r%2F1/signals", { lists: ["signals"] }],
  [
    ["signals.send", "r/1", "go", { at: since }],
    "POST /api/v1/workflows/r%2F1/signals",
    { body: { signal_name: "go", signal_payload: { at: iso } }, answer: { sent: true }, gives: undefined },
  ],
  [
    ["updates.send", "r/1", "change", [1]],
    "POST /api/v1/workflows/r%2F1/updates",
    {
      options: { timeout: 60 },
      body: { update_name: "change", update_payload: [1], timeout_seconds: 60 },
      answer: { result: { status: "success" }, update_id: "u" },
      gives: { status: "success" },
    },
  ],
  [
    ["updates.pending", "r/1"],
    "GET /api/v1/workflows/r%2F1/updates",
    { options: { updateName: "u" }, query: { update_name: "u" }, lists: ["updates"] },
  ],
  [
    ["updates.history", "r/1"],
    "GET /api/v1/workflows/r%2F1/updates/history",
    {
      options: { limit: 5, status: "TIMEOUT" },
      query: { limit: "5", status: "TIMEOUT" },
      lists: ["updates"],
    },
  ],
  [
    ["approvals.list"],
    "GET /api/v1/approvals",
    {
      options: { workflowRunId: "r", status: "pending" },
      query: { workflow_run_id: "r", status: "pending" },
      lists: ["approvals"],
    },
  ],
  [["approvals.get", "k/1"], "GET /api/v1/approvals/k%2F1", {}],
  [["approvals.approve", "k/1"], "POST /api/v1/approvals/k%2F1/approve", { body: { comment: "" } }],
  [
    ["approvals.reject", "k/1"],
    "POST /api/v1/approvals/k%2F1/reject",
    { options: { comment: "no" }, body: { comment: "no" } },
  ],

  // Schedules
  [["schedules.list"], "GET /api/v1/schedules", { lists: ["schedules"] }],
  [
    ["schedules.create"],
    "POST /api/v1/schedules",
    {
      options: { workflow, cron: "0 9 * * 1", inputs: { a: 1 }, timezone: "Europe/Berlin", versionPin: 3 },
      body: {
        workflow_definition: workflow,
        schedule_cron: "0 9 * * 1",
        version_pin: 3,
        inputs: { a: 1 },
        timezone: "Europe/Berlin",
      },
    },
  ],
  [
    ["schedules.create"],
    "POST /api/v1/schedules",
    {
      options: { definitionId: "d", cron: "* * * * *" },
      body: { definition_id: "d", schedule_cron: "* * * * *" },
    },
  ],
  [
    ["schedules.create"],
    "POST /api/v1/schedules",
    {
      options: { definitionHash: "h", cron: "* * * * *" },
      body: { definition_hash: "h", schedule_cron: "* * * * *" },
    },
  ],
  [
    ["schedules.create"],
    "POST /api/v1/schedules",
    {
      options: { workflowName: "w", cron: "* * * * *" },
      body: { workflow_name: "w", schedule_cron: "* * * * *" },
    },
  ],
  [["schedules.get", "s/1"], "GET /api/v1/schedules/s%2F1", {}],
  [["schedules.pause", "s/1"], "PATCH /api/v1/schedules/s%2F1", { body: { is_active: false } }],
  [["schedules.resume", "s/1"], "PATCH /api/v1/schedules/s%2F1", { body: { is_active: true } }],
  [["schedules.delete", "s/1"], "DELETE /api/v1/schedules/s%2F1", {}],
  [
    ["schedules.history", "s/1"],
    "GET /api/v1/schedules/s%2F1/history",
    {
      options: { pageSize: 5 },
      query: { limit: "5", offset: "0" },
      pages: ["executions"],
      items: [{ workflow_run_id: "r", run_id: "a" }],
    },
  ],
  [["schedules.jobs"], "GET /api/v1/workflows/schedules", { lists: ["schedules"] }],
  [["schedules.cancelJob", "j/1"], "POST /api/v1/workflows/schedules/j%2F1/cancel", { body: {} }],

  // Artifacts; uploads have their own tests
  [["artifacts.list"], "GET /api/v1/artifacts", { lists: ["artifacts"], items: ["id-1", "id-2"] }],
  [
    ["artifacts.exists", "a/1"],
    "GET /api/v1/artifacts/a%2F1/exists",
    { answer: { exists: true }, gives: true },
  ],
  [
    ["artifacts.exists", "a/1"],
    "GET /api/v1/artifacts/a%2F1/exists",
    { answer: { exists: false }, gives: false },
  ],
  [["artifacts.delete", "a/1"], "DELETE /api/v1/artifacts/a%2F1", {}],

  // Definitions, schemas, the Python DSL
  [["definitions.get", "d/1"], "GET /api/v1/workflows/definitions/d%2F1", {}],
  [["definitions.byHash", "ab12"], "GET /api/v1/workflows/by-hash/ab12", {}],
  [["definitions.byHash", "sha256:ab12"], "GET /api/v1/workflows/by-hash/ab12", {}],
  [
    ["definitions.version", "w/1", 3],
    "GET /api/v1/workflows/w%2F1/versions/3",
    { options: { tenantId: "t" }, query: { tenant_id: "t" } },
  ],
  [["definitions.json", "d/1"], "GET /api/v1/workflows/definitions/json/d%2F1", {}],
  [
    ["definitions.pythonSource", "d/1"],
    "GET /api/v1/workflows/definitions/dsl/python/d%2F1",
    { answer: { definition_id: "d/1", python_dsl: "x = 1" }, gives: "x = 1" },
  ],
  [
    ["definitions.pythonSource", "d/1"],
    "GET /api/v1/workflows/definitions/dsl/python/d%2F1",
    { answer: { definition_id: "d/1", python_dsl: null }, gives: null },
  ],
  [
    ["definitions.grid", "d/1"],
    "GET /api/v1/workflows/definitions/d%2F1/executions/grid",
    { options: { days: 90 }, query: { days: "90" } },
  ],
  [
    ["schemas.list"],
    "GET /api/v1/schemas",
    { options: { workflowName: "w" }, query: { workflow_name: "w" }, lists: ["schemas"] },
  ],
  [["schemas.stats"], "GET /api/v1/schemas/stats", {}],
  [["schemas.get", "w/1"], "GET /api/v1/schemas/w%2F1", { options: { version: 2 }, query: { version: "2" } }],
  [
    ["schemas.validate", "w/1", { a: since }],
    "POST /api/v1/schemas/w%2F1/validate",
    { options: { version: 2 }, body: { input_data: { a: iso }, version: 2 } },
  ],
  [["schemas.validate", "w/1", {}], "POST /api/v1/schemas/w%2F1/validate", { body: { input_data: {} } }],
  [["schemas.deprecate", "w/1", 2], "DELETE /api/v1/schemas/w%2F1/versions/2", {}],
  [
    ["dsl.compile", "code"],
    "POST /api/v1/dsl_to_json",
    { body: { code: "code" }, answer: { workflow_definition: workflow }, gives: workflow },
  ],
  [["dsl.templates"], "GET /api/v1/dsl_templates", { lists: ["templates"] }],
  [["dsl.template", "t/1"], "GET /api/v1/dsl_templates/t%2F1", {}],

  // Queue, activities
  [
    ["tasks.list"],
    "GET /api/v1/tasks",
    {
      options: { state: "pending", queue: "highway_default", pageSize: 200 },
      query: { state: "pending", queue: "highway_default", page: "1", page_size: "200" },
      pages: ["tasks"],
      items: [{ task_id: "t" }],
    },
  ],
  [["tasks.summary"], "GET /api/v1/tasks/summary", {}],
  [["tasks.get", "t/1"], "GET /api/v1/tasks/t%2F1", {}],
  [
    ["activities.list"],
    "GET /api/v1/activities",
    {
      options: { status: "running", workerId: "w", functionName: "f", workflowRunId: "r", pageSize: 5 },
      query: {
        status: "running",
        worker_id: "w",
        function_name: "f",
        workflow_run_id: "r",
        limit: "5",
        offset: "0",
      },
      pages: ["activities"],
      items: [{ activity_id: "a" }],
    },
  ],
  [
    ["activities.ofRun", "r/1"],
    "GET /api/v1/workflows/r%2F1/activities",
    { options: { includeCompleted: false }, query: { include_completed: "false" }, lists: ["activities"] },
  ],
  [
    ["activities.stale"],
    "GET /api/v1/activities/stale",
    { options: { threshold: 90 }, query: { threshold: "90" }, lists: ["activities"] },
  ],
  [
    ["activities.status"],
    "GET /api/v1/activities/status",
    { options: { staleThreshold: 90 }, query: { stale_threshold: "90" } },
  ],
  [
    ["activities.get", "a/1"],
    "GET /api/v1/activities/a%2F1",
    {
      options: { includeHeartbeats: false, heartbeatLimit: 5 },
      query: { include_heartbeats: "false", heartbeat_limit: "5" },
    },
  ],
  [
    ["activities.heartbeats", "a/1"],
    "GET /api/v1/activities/a%2F1/heartbeats",
    { options: { limit: 5 }, query: { limit: "5" }, lists: ["heartbeats"] },
  ],
  [
    ["activities.cleanupHeartbeats"],
    "POST /api/v1/activities/cleanup-heartbeats",
    { options: { retentionHours: 12 }, body: { retention_hours: 12 } },
  ],
  [["activities.cleanupHeartbeats"], "POST /api/v1/activities/cleanup-heartbeats", {}],

  // The server
  [
    ["monitoring.live"],
    "GET /api/v1/monitoring/live",
    { options: { minutes: 1 }, query: { minutes: "1" }, lists: ["tasks"] },
  ],
  [
    ["circuitBreakers.list"],
    "GET /api/v1/circuit-breakers",
    { options: { state: "HALF_OPEN" }, query: { state: "HALF_OPEN" }, lists: ["circuit_breakers"] },
  ],
  [["circuitBreakers.get", "b/1"], "GET /api/v1/circuit-breakers/b%2F1", {}],
  [["circuitBreakers.reset", "b/1"], "POST /api/v1/circuit-breakers/b%2F1/reset", {}],
  [["circuitBreakers.resetAll"], "POST /api/v1/circuit-breakers/reset", {}],
  [["system.health"], "GET /api/v1/health", {}],
  [
    ["system.metrics"],
    "GET /api/v1/health/metrics",
    { options: { interval: "1 hour", allTenants: true }, query: { interval: "1 hour", all_tenants: "true" } },
  ],
  [["system.version"], "GET /api/v1/version", {}],
  [["system.ping"], "GET /ping", {}],

  // Access
  [
    ["apiKeys.list"],
    "GET /api/v1/admin/api-keys",
    {
      options: { includeInactive: true, pageSize: 5 },
      query: { include_inactive: "true", page: "1", per_page: "5" },
      pages: ["api_keys"],
      items: [{ api_key_id: "k" }],
    },
  ],
  [
    ["apiKeys.create", "ci"],
    "POST /api/v1/admin/api-keys",
    {
      options: { description: "d", permissions: ["p"], expiresAt: since, ipWhitelist: ["10.0.0.0/8"] },
      body: {
        name: "ci",
        description: "d",
        permissions: ["p"],
        expires_at: iso,
        ip_whitelist: ["10.0.0.0/8"],
      },
    },
  ],
  [["apiKeys.create", "ci"], "POST /api/v1/admin/api-keys", { body: { name: "ci" } }],
  [["apiKeys.get", "k/1"], "GET /api/v1/admin/api-keys/k%2F1", {}],
  [
    ["apiKeys.revoke", "k/1"],
    "DELETE /api/v1/admin/api-keys/k%2F1",
    { options: { reason: "old" }, body: { reason: "old" } },
  ],
  [["apiKeys.revoke", "k/1"], "DELETE /api/v1/admin/api-keys/k%2F1", {}],
  [
    ["apiKeys.rotate", "k/1"],
    "POST /api/v1/admin/api-keys/k%2F1/rotate",
    { options: { gracePeriodHours: 1 }, body: { grace_period_hours: 1 } },
  ],
  [["apiKeys.rotate", "k/1"], "POST /api/v1/admin/api-keys/k%2F1/rotate", {}],
  [
    ["tokens.list"],
    "GET /api/v1/admin/tokens",
    {
      options: { userEmail: "a@b.c", includeRevoked: true, pageSize: 5 },
      query: { user_email: "a@b.c", include_revoked: "true", page: "1", per_page: "5" },
      pages: ["tokens"],
      items: [{ token_id: "t" }],
    },
  ],
  [
    ["tokens.issue", "a@b.c"],
    "POST /api/v1/admin/tokens",
    {
      options: { expiresInHours: 2, description: "d", scopes: ["s"] },
      body: { user_email: "a@b.c", expires_in_hours: 2, description: "d", scopes: ["s"] },
    },
  ],
  [["tokens.get", "t/1"], "GET /api/v1/admin/tokens/t%2F1", {}],
  [
    ["tokens.revoke", "t/1"],
    "DELETE /api/v1/admin/tokens/t%2F1",
    { options: { reason: "lost" }, body: { reason: "lost" } },
  ],
  [
    ["tokens.revokeAll", "a+b@c.d"],
    "POST /api/v1/admin/tokens/revoke-all/a%2Bb%40c.d",
    { options: { reason: "left" }, body: { reason: "left" } },
  ],
  [["tokens.revokeAll", "a+b@c.d"], "POST /api/v1/admin/tokens/revoke-all/a%2Bb%40c.d", {}],
].map(([[name, ...args], request, more]) => {
  const [part, method] = name.split(".");
  return { name, part, method, args, request, options: {}, query: {}, ...more };
});

/** Methods with their own tests that are not in the table: they send no request, or send or return bytes. */
export const otherCalls = ["workflows.handle", "artifacts.upload", "artifacts.download"];

/** Makes the call of a row, with additional options. */
export const callOf = (highway, { part, method, args, options }, more = {}) =>
  highway[part][method](...args, { ...options, ...more });
