// The storage of a Durable Object, in memory: as strict about sizes and faults as the real one.

/** The storage with keys. `faults.write` may throw. */
export function keyStorage(faults = {}) {
  const kept = new Map();
  const sizeOf = (value) => (/^[\0-\xff]*$/.test(value) ? value.length : value.length * 2) + 8;
  return {
    sql: {
      exec() {
        throw new Error("SQL is not enabled for this Durable Object class");
      },
    },
    transactionSync: (work) => work(),
    async get(key) {
      return kept.get(key);
    },
    async put(entries) {
      faults.write?.();
      const pairs = Object.entries(entries);
      if (pairs.length > 128) throw new RangeError("put takes up to 128 keys");
      for (const [key, value] of pairs) {
        if (typeof value === "string" && sizeOf(value) > 131_072) throw new RangeError(`${key} is too long`);
      }
      for (const [key, value] of pairs) kept.set(key, value);
    },
    async delete(keys) {
      if (keys.length > 128) throw new RangeError("delete takes up to 128 keys");
      for (const key of keys) kept.delete(key);
    },
    async list({ prefix, limit, startAfter = "" }) {
      const keys = [...kept.keys()].filter((key) => key.startsWith(prefix) && key > startAfter).sort();
      return new Map(keys.slice(0, limit).map((key) => [key, kept.get(key)]));
    },
    async sync() {},
    kept,
  };
}
