/** JSON pointers. */

/** @internal The pointer to the member `key` of the value at `path`. */
export const childPath = (path: string, key: string | number): string =>
  `${path}/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`;
