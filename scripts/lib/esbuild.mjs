// esbuild, loaded only when there is something to do (node_modules may not exist yet), and its service process ended.
/** Resolves with what `work(esbuild)` resolves with. */
export async function withEsbuild(work) {
  const esbuild = await import("esbuild");
  try {
    return await work(esbuild);
  } finally {
    await esbuild.stop();
  }
}
