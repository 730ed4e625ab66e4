// Random programs through the real packages and through ours, text for text. HIGHWAY_SEED is the first seed, HIGHWAY_PROGRAMS how many
// programs of each kind there are. What differs on purpose is RULES: docs/python-to-javascript.md says why ("What differs").
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { clientPython } from "../../scripts/lib/python.mjs";
import { skipWithout } from "./support/clients.mjs";
import { inBuilder, inDriver, inPython } from "./support/comparison.mjs";
import { builderProgram, documentText, driverProgram } from "./support/programs.mjs";

const first = Number(process.env.HIGHWAY_SEED ?? 1);
const count = Number(process.env.HIGHWAY_PROGRAMS ?? 300);
const seeds = Array.from({ length: count }, (_, at) => first + at);

const refused = (outcome) => outcome?.error !== undefined;

/** An outcome as text. Large integers are `bigint` in JavaScript. */
const textOf = (outcome) =>
  JSON.stringify(outcome, (_, item) => (typeof item === "bigint" ? Number(item) : item));

/** Operators of a workflow, bodies of loops and branches included. */
function* operatorsOf(workflow) {
  for (const operator of Object.values(workflow.tasks ?? {})) yield* withBody(operator);
}
function* withBody(operator) {
  yield operator;
  for (const inside of operator.loop_body ?? []) yield* withBody(inside);
  for (const branch of Object.values(operator.branch_workflows ?? {})) yield* operatorsOf(branch);
}

/** Python's YAML leaves out what is null, and asks for it when it reads. */
const hasOpenCondition = (workflow) =>
  [...operatorsOf(workflow)].some(
    ({ operator_type, if_true, if_false }) =>
      operator_type === "condition" && (if_true === null || if_false === null),
  );

/** Python takes an entry of a loop's body without `timeout_seconds`, as YAML leaves it where it is null, for an `emit_event`. */
const hasEndlessWaitInLoop = (workflow) =>
  [...operatorsOf(workflow)].some(({ loop_body = [] }) =>
    loop_body.some(
      ({ operator_type, timeout_seconds }) => operator_type === "wait_for_event" && timeout_seconds === null,
    ),
  );

/** Differences on purpose: whether a rule explains one, by the part of the outcome in which it shows. */
const RULES = [
  {
    name: "what YAML has left out because it is null is read as null",
    explains: (part, { theirs }) => {
      if (part !== "fromYaml") return false;
      const workflow = JSON.parse(theirs.json);
      return hasOpenCondition(workflow) || hasEndlessWaitInLoop(workflow);
    },
  },
  {
    name: "a number that no double holds is refused, not written as null",
    explains: (_, { program, ours }) =>
      /\b1e400\b/.test(program.document ?? "") && /larger than any/.test(ours.error ?? ""),
  },
  {
    name: "a time limit of the run with a fraction of a second is refused, not cut off",
    explains: (_, { program, ours }) =>
      program.timeout % 1 > 0 && /^OPTION_INVALID: the `timeout` of a run /.test(ours.error ?? ""),
  },
];

/** Python's outcome and ours, part by part; `undefined` where they agree. */
function difference(program, theirs, ours) {
  const parts = refused(theirs) || refused(ours) || !("json" in ours) ? [""] : Object.keys(ours);
  for (const part of parts) {
    const [left, right] = part === "" ? [theirs, ours] : [theirs[part], ours[part]];
    const agree = refused(left) && refused(right) ? left.at === right.at : textOf(left) === textOf(right);
    const isOnPurpose = () => RULES.some(({ explains }) => explains(part, { program, theirs, ours }));
    if (!agree && !isOnPurpose()) return `${part}\n  Python: ${textOf(left)}\n  ours:   ${textOf(right)}`;
  }
  return undefined;
}

async function compare(set, which, makeProgram, carryOut, agreed) {
  const programs = seeds.map(makeProgram);
  const theirs = await inPython(clientPython(set), which, programs);
  assert.equal(theirs.length, count);
  let accepted = 0;
  for (const [at, program] of programs.entries()) {
    const ours = carryOut(program);
    const found = difference(program, agreed(theirs[at]), agreed(ours));
    assert.equal(found, undefined, `HIGHWAY_SEED=${seeds[at]} HIGHWAY_PROGRAMS=1: ${found}`);
    accepted += Number(!refused(ours));
  }
  return accepted;
}

describe(`the Python packages, seeds from ${first}`, () => {
  const hasDsl = { skip: skipWithout("highway-dsl-2.2.0") };

  test("workflows that are built, changed, written and read again", hasDsl, async (t) => {
    const accepted = await compare(
      "highway-dsl-2.2.0",
      "dsl",
      builderProgram,
      inBuilder,
      (outcome) => outcome,
    );
    t.diagnostic(`${count} programs from seed ${first}, of which ${accepted} give a workflow`);
    assert.ok(count < 50 || accepted > count / 4, `only ${accepted} programs are accepted`);
  });

  test("documents that are read", hasDsl, async (t) => {
    const documents = (seed) => ({ document: documentText(seed) });
    const accepted = await compare("highway-dsl-2.2.0", "dsl", documents, inBuilder, (outcome) => outcome);
    t.diagnostic(`${count} documents from seed ${first}, of which ${accepted} are sound`);
    assert.ok(count < 50 || accepted > count / 4, `only ${accepted} documents are accepted`);
  });

  test("drivers", { skip: skipWithout("highway-0.9.1") }, async (t) => {
    // JavaScript has one type of number, and neither name nor tasks make a name of chance.
    const agreed = ({ document, ...rest }) => {
      if (document === undefined) return rest;
      const read = typeof document === "string" ? JSON.parse(document) : document;
      return { document: { ...read, name: read.name.replace(/^(driver_workflow_)[0-9a-f]{8}$/, "$1…") } };
    };
    const accepted = await compare("highway-0.9.1", "driver", driverProgram, inDriver, agreed);
    t.diagnostic(`${count} programs from seed ${first}, of which ${accepted} give a definition`);
    assert.ok(count < 50 || accepted > count / 4, `only ${accepted} programs are accepted`);
  });
});
