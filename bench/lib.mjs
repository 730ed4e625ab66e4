// What all benchmarks share.

/** Median milliseconds of one round. */
export async function median(work, rounds = 7) {
  const times = [];
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    await work();
    times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b)[rounds >> 1];
}

export function row(what, value, per) {
  console.log(`${what.padEnd(58)}${value.toFixed(2).padStart(10)}  ${per}`);
}
