// What has to hold of the collection before it is played: it is one by Postman's schema, every request says what it is for,
// is tested and has a fitting example, no secret is in it, and every endpoint is called.

import Ajv from "ajv";

import { FILE, address, folders, here, json, requests, script, wantedStatuses } from "./collection.mjs";

/** Everything that is wrong, as sentences. */
export function check(collection) {
  const wrong = [...bySchema(collection)];
  if (wrong.length > 0) return wrong;
  for (const folder of folders(collection.item)) {
    if (!text(folder.description)) wrong.push(`the folder ${folder.name} has no description`);
    if (!/^\d+(\.\d+)? /.test(folder.name)) wrong.push(`the folder ${folder.name} has no number`);
  }
  for (const { item, path } of requests(collection.item)) {
    for (const sentence of aboutRequest(item)) wrong.push(`${path}: ${sentence}`);
  }
  return [...wrong, ...secrets(collection), ...uncalled(collection)];
}

const text = (description) => (typeof description === "string" ? description : description?.content)?.trim();

function bySchema(collection) {
  // The schema of the format is of draft 07, and names no formats.
  const validate = new Ajv({ allErrors: false }).compile(json(here("collection-v2.1.0.schema.json")));
  return validate(collection) ? [] : validate.errors.map(({ dataPath, message }) => `by the schema: ${dataPath} ${message}`);
}

function* aboutRequest(item) {
  if (!text(item.request.description)) yield "it has no description";
  if (!script(item, "test").includes("pm.test(")) yield "it has no test";
  const wanted = wantedStatuses(item);
  if (wanted.length === 0) yield "no test says with which status it is answered";
  if (!item.response?.length) yield "it has no example: postman/run --record makes one";
  for (const example of item.response ?? []) {
    if (!wanted.includes(example.code)) yield `its example has the status ${example.code}, and its tests want ${wanted}`;
  }
}

// --- secrets ---------------------------------------------------------------------------------------------------------

const LEAKS = [
  [/whsec_[A-Za-z0-9+/]{20,}/, "a secret of a policy"],
  [/-----BEGIN [A-Z ]*PRIVATE KEY/, "a private key"],
  [/"(d|p|q|dp|dq|qi)\\?": ?\\?"[A-Za-z0-9_-]{20,}/, "a private key"],
  [/eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\./, "a JWT"],
  [/"\w*(access_token|refresh_token|id_token|secret|device_code)\\?": ?\\?"(?!…|\{\{|\\?")/, "a token or secret"],
];

/** The variables of the collection are left out: a library is no secret. */
function* secrets({ variable, ...collection }) {
  const whole = JSON.stringify(collection);
  for (const { key, value, type } of json(here("local.postman_environment.json")).values) {
    if (type === "secret" && value && whole.includes(value)) yield `the secret ${key} stands in the collection`;
  }
  for (const [pattern, what] of LEAKS) {
    const found = pattern.exec(whole);
    if (found) yield `${what} stands in the collection: …${whole.slice(found.index, found.index + 40)}…`;
  }
}

// --- every endpoint --------------------------------------------------------------------------------------------------

const METHODS = ["get", "put", "post", "patch", "delete"];

function* uncalled(collection) {
  const called = [...requests(collection.item)]
    .map(({ item: { request } }) => `${request.method} ${address(request).split("?")[0]}`);
  const schemas = here("../sdk/schemas/1/");
  for (const [base, document] of [["{{ui_api}}", "openapi.json"], ["{{private}}/admin/v1", "admin-openapi.json"]]) {
    for (const [path, operations] of Object.entries(json(schemas + document).paths)) {
      const pattern = `${base}${path}`.replace(/[.*+?^$()|[\]\\]/g, "\\$&").replace(/\{\{/g, "\\{\\{").replace(/\}\}/g, "\\}\\}")
        .replace(/(?<!\{|\\)\{[^{}]+\}/g, "[^/:]+");
      for (const method of METHODS.filter((method) => operations[method])) {
        const wanted = new RegExp(`^${method.toUpperCase()} ${pattern}$`);
        if (!called.some((one) => wanted.test(one))) yield `nothing calls ${method.toUpperCase()} ${path} of ${document}`;
      }
    }
  }
  // What discovery announces, as the saved example of it says.
  for (const { item } of requests(collection.item)) {
    if (!address(item.request).endsWith("/.well-known/openid-configuration")) continue;
    const said = JSON.parse(item.response[0]?.body ?? "{}");
    for (const [member, address] of Object.entries(said)) {
      if (!/_endpoint$|^jwks_uri$|_iframe$/.test(member)) continue;
      const wanted = address.replace(said.issuer, "{{issuer}}");
      if (!called.some((one) => one.endsWith(` ${wanted}`))) yield `nothing calls ${member}, which discovery announces`;
    }
  }
}

if (process.argv[1] === here("check.mjs")) {
  const wrong = check(json(FILE));
  for (const sentence of wrong) console.error(sentence);
  process.exitCode = wrong.length ? 1 : 0;
}
