// Writes src/generated from the published schemas, or with `--check` says whether it is what they say.

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { compile } from "json-schema-to-typescript";

const schemas = new URL("../../schemas/1/", import.meta.url);
const target = new URL("../src/generated/", import.meta.url);
const banner = "// Written by `npm run generate` from sdk/schemas/1. Do not edit.\n";
// The two contracts have types of the same name that differ, so each has a module of its own.
const modules = {
  decision: ["decision-request", "decision", "policy-document"],
  interaction: ["prompt", "answer", "problem"],
  event: ["event"],
};

/** A reference beside other keywords would make the compiler copy the type: it is told the name instead. */
function named(schema) {
  if (Array.isArray(schema)) return schema.map(named);
  if (schema === null || typeof schema !== "object") return schema;
  const { $ref, ...rest } = schema;
  if ($ref !== undefined) return { ...rest, tsType: $ref.replace("#/$defs/", "") };
  return Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, named(value)]));
}

/** Adds a type. One that is an envelope around alternatives becomes the intersection of two. */
function define(types, name, schema) {
  if (schema.oneOf && schema.properties) {
    const { oneOf, title, description, ...envelope } = schema;
    define(types, `${name}Envelope`, { description: "What every one of them has.", ...envelope });
    define(types, `${name}Section`, { description: "What only one `type` has.", oneOf });
    types.set(name, { description, allOf: [{ tsType: `${name}Envelope` }, { tsType: `${name}Section` }] });
    return;
  }
  const compiled = named(schema);
  const known = types.get(name);
  if (known && JSON.stringify(known) !== JSON.stringify(compiled)) {
    throw new Error(`two schemas disagree about \`${name}\``);
  }
  types.set(name, compiled);
}

async function typescript(names) {
  const types = new Map();
  for (const name of names) {
    const { $defs = {}, $schema, ...root } = JSON.parse(await readFile(new URL(`${name}.json`, schemas), "utf8"));
    for (const [type, schema] of Object.entries($defs)) define(types, type, schema);
    define(types, root.title, root);
  }
  let text = banner;
  for (const name of [...types.keys()].sort()) {
    const { title, ...schema } = types.get(name);
    const options = { additionalProperties: false, bannerComment: "", style: { printWidth: 120 } };
    text += `\n${await compile(schema, name, options)}`;
  }
  return text.replace(/^( *)\/\*\*\n *\* (.*)\n *\*\/$/gm, "$1/** $2 */");
}

/** What the server keeps to at each decision point; the schema carries it beside the names. */
async function rules() {
  const { $defs } = JSON.parse(await readFile(new URL("decision-request.json", schemas), "utf8"));
  const table = JSON.stringify($defs.HookType["x-placet-types"], null, 2);
  return `${banner}
/** The decision points and their rules: what an answer may set, with which codes it may deny. */
export const rules = ${table} as const;
`;
}

const files = { "rules.ts": await rules() };
for (const [name, names] of Object.entries(modules)) files[`${name}.ts`] = await typescript(names);

const check = process.argv.includes("--check");
await mkdir(target, { recursive: true });
for (const [name, text] of Object.entries(files)) {
  const file = new URL(name, target);
  if (!check) {
    await writeFile(file, text);
  } else if ((await readFile(file, "utf8").catch(() => "")) !== text) {
    console.error(`src/generated/${name} is not what the schemas say; run npm run generate`);
    process.exitCode = 1;
  }
}
