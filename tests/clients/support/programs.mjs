// Random programs for `Driver` and `WorkflowBuilder`, as plain data that JavaScript and Python both carry out, and random documents.
// What is known to differ (docs/python-to-javascript.md, "What differs") is not made here, or is a rule of the comparison.

/** A generator of random choices: the same seed gives the same program. */
export function random(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const below = (limit) => Math.floor(next() * limit);
  const pick = (items) => items[below(items.length)];
  const chance = (probability) => next() < probability;
  const list = (most, make) => Array.from({ length: below(most + 1) }, make);
  return { next, below, pick, chance, list };
}

const NUMBERS = [
  0,
  1,
  -1,
  2,
  3.5,
  0.1,
  1 / 3,
  0.1 + 0.2,
  1e-4,
  1e-5,
  1.25e-5,
  1e-6,
  1e-7,
  2.5e-10,
  1e15,
  1e16,
  1e21,
  1.5e22,
  1e300,
  5e-324,
  2.2250738585072014e-308,
  Number.MAX_VALUE,
  2 ** 53,
  2 ** 53 + 2,
  2 ** 64,
  -123456.789,
  2 ** -44,
  100,
];

const TEXTS = [
  "",
  "a",
  "yes",
  "No",
  "null",
  "~",
  "1",
  "1.0",
  "1e3",
  "0x1f",
  "12:30",
  "2024-01-01",
  "2024-01-01T10:00:00Z",
  "=",
  "<<",
  "{{x}}",
  "{{inputs.name}}",
  "- a",
  "a: b",
  "a #b",
  "#a",
  "'",
  '"',
  "it's",
  "a\nb",
  "a\n\n  b\n",
  "\ta",
  " a",
  "a ",
  "é",
  "naïve café",
  "日本語",
  "\u{1f389}",
  "e\u0301",
  "\u2028",
  "\u00a0",
  "\u0085",
  "\u0000",
  "\u007f",
  "\\n",
  "%d",
  "@x",
  "`x`",
  "?",
  "? a",
  "!x",
  "&x",
  "*x",
  "|",
  ">",
  "---",
  "...",
  "a,b",
  "[a]",
  "{a}",
  ".5",
  "+1",
  "-",
  "_",
  "0o7",
  "1_000",
  ".inf",
  ".nan",
  "true",
  "off",
  "\r\n",
  "\ufeff",
  "\ufffd",
];

const IDS = ["a", "b", "c", "d", "e1", "load", "x_y", "each", "join_all"];
const ODD_IDS = [
  "",
  "A",
  "a-b",
  "a b",
  "é",
  "1",
  "12",
  "a__b",
  "a.b",
  "__proto__",
  "constructor",
  "_x",
  "a\n",
];
const FUNCTIONS = ["tools.shell.run", "tools.http.request", "f", "", "größe"];
const CHECKS = [
  "exists",
  "not_null",
  "equals",
  "not_equals",
  "in_range",
  "matches_regex",
  "type_check",
  "in_set",
];
const RULES = ["all_success", "all_done", "one_success", "one_done", "none_failed"];
const MODES = ["all_of", "any_of", "all_success", "one_success"];

/** Makers of values, on one generator. */
export function values(r) {
  const number = () => {
    if (r.chance(0.5)) return r.pick(NUMBERS);
    const decimals = r.below(8);
    return Number(((r.next() - 0.3) * 10 ** r.below(7)).toFixed(decimals));
  };
  const words = () =>
    Array.from({ length: 4 + r.below(30) }, () => r.pick(["word", "a", "longer", "it's", "é", ":"])).join(
      r.pick([" ", "  ", "\n"]),
    );
  const text = () => (r.chance(0.1) ? words() : r.chance(0.4) ? r.pick(IDS) : r.pick(TEXTS));
  const json = (depth = 0) => {
    const kind = r.below(depth > 2 ? 6 : 8);
    if (kind < 2) return text();
    if (kind < 4) return number();
    if (kind === 4) return r.pick([true, false, null]);
    if (kind === 5) return r.below(1000);
    if (kind === 6) return r.list(3, () => json(depth + 1));
    return object(depth + 1);
  };
  const object = (depth = 0) =>
    Object.fromEntries(r.list(4, () => [r.chance(0.8) ? r.pick(IDS) : text(), json(depth + 1)]));
  const short = () => Number((r.next() * 10 ** r.below(4)).toFixed(r.below(4)));
  const units = () => {
    const names = ["days", "hours", "minutes", "seconds", "milliseconds"];
    const chosen = Object.fromEntries(
      r.list(2, () => [r.pick(names), r.chance(0.3) ? r.below(100) : short()]),
    );
    return {
      $timedelta:
        Object.keys(chosen).length > 0
          ? chosen
          : { seconds: r.pick([5, 0.5, 1e-6, 2.5e-6, 0.0000005, 1 / 3, 59.9999995]) },
    };
  };
  const duration = () =>
    r.chance(0.6) ? units() : r.chance(0.6) ? short() : `PT${r.below(400)}${r.pick(["S", "M", "H"])}`;
  const moment = () =>
    `20${10 + r.below(80)}-0${1 + r.below(9)}-1${r.below(10)}T0${r.below(10)}:3${r.below(10)}:0${r.below(10)}${r.pick(["", ".5", ".123456"])}${r.pick(["", "+00:00", "+05:30", "-08:00"])}`;
  const id = () => (r.chance(0.96) ? r.pick(IDS) : r.pick(ODD_IDS));
  const ids = () => r.list(3, id);
  const whole = () => (r.chance(0.9) ? r.below(20) : r.pick([-1, 0, 2 ** 31, 3600, 2 ** 53]));
  return { number, text, json, object, duration, units, moment, id, ids, whole };
}

/** Something of the wrong type or out of range. */
const WRONG = [null, true, "x", "3", -1, 1.5, 2, [], [1], {}, { a: 1 }, ""];

/** Options that every operator takes, some of them now and then wrong. */
function options(r, v, isTask) {
  const makers = {
    dependencies: v.ids,
    trigger_rule: () => r.pick(RULES),
    retry_policy: () => retryPolicy(r, v),
    timeout_policy: () => ({
      timeout: v.duration(),
      ...(r.chance(0.3) ? { kill_on_timeout: r.chance(0.5) } : {}),
    }),
    circuit_breaker_policy: () => breaker(r, v),
    idempotency_key: v.text,
    metadata: () => v.object(),
    description: v.text,
    result_key: v.text,
    on_success_task_id: v.id,
    on_failure_task_id: v.id,
    ...(isTask
      ? {}
      : {
          preconditions: () => r.list(2, () => guard(r, v)),
          postconditions: () => r.list(2, () => guard(r, v)),
        }),
  };
  const out = {};
  for (const name of Object.keys(makers)) {
    if (r.chance(0.1)) out[name] = r.chance(0.01) ? r.pick(WRONG) : makers[name]();
  }
  return out;
}

function retryPolicy(r, v) {
  return {
    ...(r.chance(0.6) ? { max_retries: v.whole() } : {}),
    ...(r.chance(0.6) ? { delay: v.duration() } : {}),
    ...(r.chance(0.6) ? { backoff_factor: v.number() } : {}),
  };
}

function breaker(r, v) {
  return {
    ...(r.chance(0.5) ? { failure_threshold: v.whole() } : {}),
    ...(r.chance(0.5) ? { success_threshold: v.whole() } : {}),
    ...(r.chance(0.5) ? { isolation_duration: v.duration() } : {}),
    ...(r.chance(0.3) ? { catch_exceptions: r.list(2, v.text) } : {}),
    ...(r.chance(0.3) ? { ignore_exceptions: r.pick([null, [], ["ValueError"]]) } : {}),
  };
}

function guard(r, v) {
  const check = r.chance(0.99) ? r.pick(CHECKS) : "bogus";
  const value =
    check === "in_range" && r.chance(0.97)
      ? [v.number(), v.number()]
      : check === "in_set" && r.chance(0.97)
        ? r.list(3, () => v.json())
        : v.json();
  return { variable: v.text(), check, value, ...(r.chance(0.5) ? { message: v.text() } : {}) };
}

/** Calls of the methods that add an operator, by name. */
function operators(r, v, depth) {
  const sub = () => ({ $sub: depth > 2 || r.chance(0.1) ? [] : calls(r, v, 1 + r.below(3), depth + 1) });
  const branchName = () => (r.chance(0.95) ? r.pick(["x", "Y", "one", "two_2"]) : v.text());
  const branches = (make) => Object.fromEntries(r.list(3, () => [branchName(), make()]));
  const optional = (name, make) => (r.chance(0.4) ? { [name]: r.chance(0.01) ? r.pick(WRONG) : make() } : {});
  const tool = () => ({
    function: r.pick(FUNCTIONS),
    ...(r.chance(0.5) ? { args: r.list(3, () => v.json()) } : {}),
    ...(r.chance(0.5) ? { kwargs: v.object() } : {}),
    ...(r.chance(0.08) ? { depends_on: v.ids() } : {}),
    ...(r.chance(0.08)
      ? { [r.pick(["retries", "timeout_seconds", "preconditions", "depend_on", "url"])]: v.json() }
      : {}),
  });
  return {
    task: tool,
    activity: tool,
    reflexive: () => ({
      generator: v.text(),
      verifier: v.text(),
      ...optional("generator_kwargs", () => v.object()),
      ...optional("verifier_kwargs", () => v.object()),
      ...optional("max_turns", () => (r.chance(0.95) ? 1 + r.below(10) : r.pick([0, 11]))),
      ...optional("correction_prompt_template", v.text),
    }),
    child_workflows: () => ({
      children: branches(() => ({ workflow_name: v.text(), inputs: v.object() })),
      ...optional("timeout_seconds", v.whole),
    }),
    child_workflow: () => ({
      workflow_name: v.text(),
      ...optional("inputs", () => v.object()),
      ...optional("timeout_seconds", v.whole),
    }),
    condition: () => ({ condition: v.text(), if_true: sub(), if_false: sub() }),
    wait: () => ({
      wait_for: r.chance(0.5)
        ? v.duration()
        : r.chance(0.5)
          ? { $datetime: v.moment() }
          : r.pick(["{{until}}", "tomorrow", v.moment(), ""]),
    }),
    parallel: () => ({ branches: branches(sub), ...optional("timeout", v.whole) }),
    parallel_with_join: () => ({
      branches: branches(sub),
      ...optional("timeout_seconds", v.whole),
      ...optional("join_result_key", v.text),
    }),
    foreach: () => ({
      items: v.text(),
      loop_body: sub(),
      ...optional("parallel", () => r.chance(0.5)),
      ...optional("dynamic", () => r.chance(0.5)),
    }),
    while_loop: () => ({ condition: v.text(), loop_body: sub() }),
    emit_event: () => ({ event_name: v.text(), ...optional("payload", () => v.object()) }),
    wait_for_event: () => ({ event_name: v.text(), ...optional("timeout_seconds", v.whole) }),
    join: () => ({ join_tasks: v.ids(), join_mode: r.chance(0.97) ? r.pick(MODES) : "bogus" }),
    switch: () => ({ switch_on: v.text(), cases: branches(v.id), ...optional("default", v.id) }),
    multi_choice: () => ({
      branches: branches(() => ({ condition: v.text(), ...sub() })),
      ...optional("minimum_branches", () => r.below(4)),
      ...optional("timeout", v.whole),
    }),
    terminate: () => ({
      ...optional("status", () => (r.chance(0.95) ? r.pick(["completed", "failed", "cancelled"]) : "done")),
      ...optional("result", () => v.object()),
      ...optional("reason", v.text),
    }),
  };
}

function modifiers(r, v) {
  return {
    retry: () => retryPolicy(r, v),
    timeout: () => ({ timeout: v.duration(), ...(r.chance(0.3) ? { kill_on_timeout: r.chance(0.5) } : {}) }),
    on_success: () => ({ success_task_id: v.id() }),
    on_failure: () => ({ failure_task_id: v.id() }),
    precondition: () => guard(r, v),
    postcondition: () => guard(r, v),
  };
}

/** Methods that a builder and a workflow both have. */
function settings(r, v) {
  return {
    set_schedule: () => ({ cron: v.text() }),
    set_start_date: () => ({ start_date: { $datetime: v.moment() } }),
    set_catchup: () => ({ enabled: r.chance(0.5) }),
    set_paused: () => ({ paused: r.chance(0.5) }),
    add_tags: () => ({ tags: r.list(3, v.text) }),
    set_max_active_runs: () => ({ count: v.whole() }),
    set_default_retry_policy: () => ({ policy: retryPolicy(r, v) }),
  };
}

const chosen = (r, makers) => {
  const name = r.pick(Object.keys(makers));
  return [name, makers[name]()];
};

/** So many operators, with modifiers behind some. */
function calls(r, v, count, depth = 0) {
  const out = [];
  if (r.chance(0.02)) out.push(chosen(r, modifiers(r, v)));
  for (let at = 0; at < count; at++) {
    const makers = operators(r, v, depth);
    const [method, own] = chosen(r, r.chance(0.4) ? { task: makers.task } : makers);
    const isTask = ["task", "activity", "reflexive"].includes(method);
    out.push([method, { task_id: v.id(), ...own, ...options(r, v, isTask) }]);
    while (r.chance(0.25)) out.push(chosen(r, modifiers(r, v)));
  }
  return out;
}

/** A program for `WorkflowBuilder`: calls, then calls of the workflow's own setters, then calls of a builder that goes on from it. */
export function builderProgram(seed) {
  const r = random(seed);
  const v = values(r);
  const program = {
    new: {
      name: r.chance(0.98) ? r.pick(["w", "flow_1", "nightly", ""]) : r.pick(ODD_IDS),
      ...(r.chance(0.2)
        ? { version: r.chance(0.9) ? r.pick(["1.0.0", "2", "", "a_b-c"]) : r.pick(["a b", "1__0"]) }
        : {}),
      ...(r.chance(0.15) ? { deadline_seconds: r.chance(0.9) ? 1 + r.below(9999) : v.whole() } : {}),
      ...(r.chance(0.1) ? { deadline_action: r.chance(0.9) ? r.pick(["fail", "cancel"]) : "stop" } : {}),
    },
    calls: calls(r, v, 1 + r.below(5)),
    setters: r.list(2, () =>
      chosen(r, {
        ...settings(r, v),
        set_variables: () => ({ variables: v.object() }),
        set_start_task: () => ({ task_id: v.id() }),
      }),
    ),
    more: calls(r, v, 1 + r.below(2)),
  };
  // Most callbacks lead somewhere.
  if (r.chance(0.85)) {
    const text = JSON.stringify(program.calls);
    const targets = new Set(
      Array.from(
        text.matchAll(/"(?:on_success|on_failure|success|failure)_task_id":"([^"]*)"/g),
        ([, id]) => id,
      ),
    );
    for (const id of targets) program.calls.push(["task", { task_id: JSON.parse(`"${id}"`), function: "f" }]);
  }
  const named = {
    ...settings(r, v),
    set_description: () => ({ description: v.text() }),
    set_version: () => ({ version: v.text() }),
  };
  if (r.chance(0.4)) program.calls.splice(r.below(program.calls.length + 1), 0, chosen(r, named));
  return program;
}

/** Numbers as people write them into documents. */
const SPELLINGS = [
  "1e3",
  "-0",
  "-0.0",
  "1e400",
  "1E5",
  "2.50",
  "1e-5",
  "0.1000000000000000055511151231257827",
  "123456789012345678901234567890",
  "9007199254740993.0",
  "1e-400",
  "4.9e-324",
  "12345678901234567890.5",
  "-1e-7",
];

/** The text of a document that people might write, right or wrong. */
export function documentText(seed) {
  const r = random(seed);
  const v = values(r);
  const wrong = (make) => (r.chance(0.02) ? r.pick(WRONG) : make());
  const task = (id, depth = 0) => {
    const shapes = {
      task: () => ({ function: v.text(), args: r.list(2, () => v.json()), kwargs: v.object() }),
      activity: () => ({ function: v.text(), kwargs: v.object() }),
      condition: () => ({ condition: v.text(), if_true: r.pick([null, "a"]), if_false: r.pick([null, "b"]) }),
      wait: () => ({
        wait_for: r.pick([
          v.number,
          v.moment,
          () => `PT${r.below(100)}S`,
          () => "{{x}}",
          () => "duration:5",
          () => `datetime:${v.moment()}`,
        ])(),
      }),
      parallel: () => ({
        branches: { x: v.ids() },
        branch_workflows: r.pick([{}, { x: v.object() }, { x: 1 }]),
        timeout: v.whole(),
      }),
      foreach: () => ({
        items: v.text(),
        loop_body: depth > 1 ? [] : r.list(2, () => task(v.id(), 2)),
        parallel: r.chance(0.5),
      }),
      while: () => ({ condition: v.text() }),
      emit_event: () => ({ event_name: v.text(), payload: v.object() }),
      wait_for_event: () => ({ event_name: v.text(), timeout_seconds: v.whole() }),
      join: () => ({ join_tasks: v.ids(), join_mode: r.pick(MODES) }),
      switch: () => ({ switch_on: v.text(), cases: { x: v.id() }, default: v.id() }),
      reflexive: () => ({ generator: v.text(), verifier: v.text(), max_turns: r.below(12) }),
      multi_choice: () => ({ branches: { x: { condition: v.text() } }, minimum_branches: r.below(3) }),
      terminate: () => ({ status: "failed", result: v.object(), reason: v.text() }),
      child_workflow: () => ({ children: { x: v.object() }, timeout_seconds: v.whole() }),
    };
    // Python guesses what an entry of a loop's body is from its fields.
    const operator_type = depth === 0 ? r.pick(Object.keys(shapes)) : "task";
    const fields = {
      task_id: id,
      operator_type,
      ...shapes[operator_type](),
      ...plainOptions(options(r, v, false)),
    };
    for (const key of Object.keys(fields))
      if (depth === 0 && key !== "operator_type") fields[key] = wrong(() => fields[key]);
    return fields;
  };
  const names = [...new Set(r.list(3, v.id))];
  const document = {
    name: r.pick(["w", "flow_1"]),
    tasks: Object.fromEntries(names.map((id) => [id, task(id)])),
    variables: v.object(),
    ...(r.chance(0.2) ? { start_date: wrong(v.moment) } : {}),
    ...(r.chance(0.2) ? { max_active_runs: wrong(v.whole) } : {}),
    ...(r.chance(0.2) ? { default_retry_policy: plainOptions(retryPolicy(r, v)) } : {}),
    ...(r.chance(0.2) ? { deadline_seconds: wrong(v.whole) } : {}),
    ...(r.chance(0.1) ? { catchup: wrong(() => true), is_paused: wrong(() => "yes") } : {}),
    ...(r.chance(0.1) ? { unheard_of: v.json() } : {}),
  };
  const spelled = r.chance(0.4) ? r.pick(SPELLINGS) : "100";
  return JSON.stringify(document).replaceAll(/(?<=[:,[])100(?=[,\]}])/g, spelled);
}

/** Durations are text or numbers in a document. */
const plainOptions = (given) =>
  JSON.parse(JSON.stringify(given), (_, item) =>
    item?.$timedelta === undefined ? item : (Object.values(item.$timedelta)[0] ?? 1),
  );

const TYPES = ["shell", "py", "http", "tool", "workflow", "workflow_id", "durable"];

/** A program for `Driver`. */
export function driverProgram(seed) {
  const r = random(seed);
  const v = values(r);
  const names = ["a", "b", "load", "send_mail", "x1", "Größe", "é", "a_wait", "each_body", "z"];
  const body = (name) =>
    `def ${name}():\n    return ${r.pick(["1", "'a'", "{'x': [1, 2.5]}", "None", "'é \\\\n'"])}`;
  const task = () => {
    const name = r.pick(names);
    const depends = r.chance(0.5) ? { depends: r.list(3, () => r.pick(names)) } : {};
    const timeout = r.chance(0.4)
      ? { timeout: r.chance(0.9) ? r.pick([1, 30, 0.5, 1 / 3, 1e-10, 1e16, 1e300, 86400]) : r.pick([0, -1]) }
      : {};
    const loops = {
      foreach: () => ({ items: v.text(), ...depends, ...timeout }),
      while_loop: () => ({ condition: v.text(), ...depends, ...timeout, durable: r.chance(0.5) }),
      emit: () => ({ event: v.text(), ...depends, ...(r.chance(0.5) ? { payload: v.object() } : {}) }),
      wait_for: () => ({ event: v.text(), ...depends, ...timeout }),
    };
    if (r.chance(0.3)) {
      const [method, params] = chosen(r, loops);
      return { method, name, params, source: body(name) };
    }
    const type = r.pick(TYPES);
    const isFlag = ["shell", "py", "http", "durable"].includes(type);
    const params = { [type]: isFlag ? true : r.chance(0.9) ? v.text() : "", ...depends, ...timeout };
    if (r.chance(0.3)) params.retries = r.chance(0.95) ? r.below(6) : -1;
    if (r.chance(0.3)) params.retry_delay = r.chance(0.9) ? Math.abs(v.number()) : v.number();
    if (r.chance(0.3)) params.backoff = r.chance(0.9) ? 1 + Math.abs(v.number()) : v.number();
    if (r.chance(0.2)) params.delay = v.units();
    if (r.chance(0.15))
      params.schedule = r.chance(0.5) ? v.units() : r.pick(["0 9 * * *", "@daily", "", "x"]);
    if (type === "durable") {
      if (r.chance(0.5)) params.func_args = r.list(2, () => v.json());
      if (r.chance(0.5)) params.func_kwargs = v.object();
    }
    if (r.chance(0.1)) params.package = r.pick(["", "./orders/", "/tmp/my.pkg"]);
    if (r.chance(0.1)) params.entrypoint = r.pick(["main:run", "main", "", "a:b:c"]);
    if (r.chance(0.03)) params[r.pick(["shell", "py", "http", "durable"])] = true;
    const returns =
      type === "workflow" || type === "workflow_id" || type === "tool"
        ? v.object()
        : r.chance(0.8)
          ? v.text()
          : { value: v.json() };
    return {
      method: "task",
      name,
      params,
      returns,
      ...(type === "py" || type === "durable" ? { source: body(name) } : {}),
    };
  };
  return {
    new: r.chance(0.5) ? { name: v.text() } : {},
    tasks: r.list(5, task),
    inputs: v.object(),
    timeout: r.pick([300, 1, 1.9, 86400.5, 1e16, 2 ** 60]),
  };
}
