// Imports esbuild only when there is work, because node_modules may not exist yet, and ends its service process.
/** Resolves with the result of `work(esbuild)`. */
export async function withEsbuild(work) {
  const esbuild = await import("esbuild");
  try {
    return await work(esbuild);
  } finally {
    await esbuild.stop();
  }
}
