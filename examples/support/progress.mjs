// Shows a run in the terminal: one line a task, redrawn in place on a terminal, printed on change elsewhere.

const SIGNS = {
  pending: "·",
  running: "▸",
  sleeping: "z",
  completed: "✓",
  failed: "✗",
  skipped: "-",
  cancelled: "-",
};

/** A function for `onProgress`. */
export function progressPrinter(out = process.stdout) {
  const started = performance.now();
  let drawn = 0;
  let last = {};
  return (status) => {
    const { tasks } = status.progress;
    const time = `${((performance.now() - started) / 1000).toFixed(1)} s`.padStart(7);
    if (out.isTTY) {
      if (drawn > 0) out.write(`\x1b[${drawn}A`);
      for (const [name, state] of Object.entries(tasks)) {
        out.write(`\x1b[2K  ${SIGNS[state] ?? "?"} ${name.padEnd(18)} ${state}\n`);
      }
      out.write(`\x1b[2K ${time}  ${status.state}\n`);
      drawn = Object.keys(tasks).length + 1;
    } else {
      for (const [name, state] of Object.entries(tasks)) {
        if (last[name] !== state) out.write(` ${time}  ${SIGNS[state] ?? "?"} ${name.padEnd(18)} ${state}\n`);
      }
    }
    last = tasks;
  };
}

/** What the tasks of a finished run gave, failures with their stderr. */
export function printTasks(result) {
  for (const task of Object.values(result.tasks)) {
    if (task.state === "failed") {
      console.log(`  ✗ ${task.name}: ${task.error.message}`);
      if (task.error.help) console.log(`      help: ${task.error.help}`);
      for (const line of (task.stderr ?? "").split("\n").filter(Boolean))
        console.log(`      stderr: ${line}`);
    } else if (task.state === "skipped") {
      console.log(`  - ${task.name}: skipped, a task it depends on failed`);
    }
  }
}
