/** How deeply the server lets JSON be nested. */
const MAX_DEPTH = 32;

/**
 * Refuses what JSON cannot say. `JSON.stringify` would leave out `undefined` and write `null` for `NaN`, and in a patch
 * a member that is left out stays as proposed and `null` removes: an accident would widen what is granted.
 */
export function checkJson(value: unknown, path: string, depth = 0): void {
  if (depth > MAX_DEPTH) throw new TypeError(`\`${path}\` is nested too deeply`);
  if (value === null || typeof value === "string" || typeof value === "boolean") return;
  if (typeof value === "number" && Number.isFinite(value)) return;
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) checkJson(item, `${path}[${index}]`, depth + 1);
    return;
  }
  if (typeof value === "object" && isPlain(value)) {
    for (const [name, member] of Object.entries(value)) checkJson(member, `${path}.${name}`, depth + 1);
    return;
  }
  const what = typeof value === "object" ? "an object of a class" : typeof value === "number" ? value : typeof value;
  throw new TypeError(`\`${path}\` is ${what}; leave a member out, or say \`null\` to remove it`);
}

/** Whether a value is an object as JSON has them. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
