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

/**
 * Reads JSON as every party of the protocol does: no name twice in an object (RFC 7493, section 2.3), since readers differ
 * about which of the two counts, and no deep nesting.
 *
 * @throws SyntaxError
 */
export function parseStrictly(text: string): unknown {
  const value: unknown = JSON.parse(text);
  checkNames(text);
  return value;
}

/** Looks at the names and the depth of a text that is known to be JSON. */
function checkNames(text: string): void {
  const names: (Set<string> | undefined)[] = []; // of each open container; none for an array
  let isName = false;
  for (const [token] of text.matchAll(/"(?:[^"\\]+|\\.)*"|[{}[\],:]/gs)) {
    const inner = names.at(-1);
    if (token === "{" || token === "[") {
      if (names.push(token === "{" ? new Set() : undefined) > MAX_DEPTH) throw new SyntaxError("nested too deeply");
      isName = token === "{";
    } else if (token === "}" || token === "]") {
      names.pop();
      isName = false;
    } else if (token === "," || token === ":") {
      isName = token === "," && inner !== undefined;
    } else if (isName && inner) {
      const name = JSON.parse(token) as string; // an escape may stand for a letter
      if (inner.has(name)) throw new SyntaxError("a name is there twice");
      inner.add(name);
    }
  }
}

/** Whether a value is an object as JSON has them. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
