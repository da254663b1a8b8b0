/** Runs `work` and then disposes of the resources, as `await using` does in TypeScript. */
export async function disposing(resources, work) {
  try {
    return await work();
  } finally {
    for (const resource of resources) await resource[Symbol.asyncDispose]();
  }
}
