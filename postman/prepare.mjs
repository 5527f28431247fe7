// Writes what a run needs into a folder: ports, keys, the server's configuration, and the environment of the collection.
// Prints the ports, for a shell to evaluate.

import { createHash, generateKeyPairSync, randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";

const [folder, saml] = process.argv.slice(2);
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const names = ["public", "private", "users", "tiers", "policy", "partners", "printer", "saml"];
const port = await freePorts(names);
const secret = () => randomBytes(24).toString("hex");
const policySecret = `whsec_${randomBytes(32).toString("base64")}`;
const adminToken = secret();
const clients = { reporting: secret(), robot: secret(), insurer: secret(), helpdesk: secret() };
const keys = { partner: key("partner-1"), robot: key("robot-1"), attester: key("attester-1") };
const headlessToken = secret();
const digest = (token) => createHash("sha256").update(token).digest("hex");
const issuer = `http://localhost:${port.public}`;

const jwks = ({ publicKey }) => {
  const members = Object.entries(publicKey).map(([name, value]) => `${name} = ${JSON.stringify(value)}`);
  return `{ keys = [{ ${members.join(", ")} }] }`;
};
const policy = (name, at, types, more = "") => `
[[policy]]
name = "${name}"
types = [${types.map((type) => JSON.stringify(type)).join(", ")}]
url = "http://127.0.0.1:${at}"
auth.sign = { secret = "${policySecret}" }
${more}`;

const clientIs = (condition) => `when = [{ "/client/client_id" = ${condition} }]\n`;

const environment = JSON.parse(readFileSync(here("local.postman_environment.json"), "utf8"));
const known = (name) => environment.values.find((entry) => entry.key === name).value;

writeFileSync(
  `${folder}/placet.toml`,
  `passed_parameters = ["requested_subject"]

[[ui]]
name = "login"
login_uri = "http://localhost:8090/"
token_sha256 = ["${digest(known("ui_token"))}"]
capabilities = ["set_tokens", "sessions", "authorizations", "report"]

[[ui]]
name = "headless"
front_door = "headless"
token_sha256 = ["${digest(headlessToken)}"]
capabilities = ["sessions", "authorizations", "direct_grant"]
direct_grant_clients = ["${known("client_id")}"]

[dpop]
require_nonce = true

[native_sso]
groups = ["acme"]

[client_attestation]
enabled = true
require_challenge = true

[[client_attestation.attesters]]
name = "backend of the wallet"
client_ids = ["wallet"]
jwks = ${jwks(keys.attester)}

[[clients]]
client_id = "wallet"

[clients.metadata]
grant_types = ["client_credentials"]
token_endpoint_auth_method = "attest_jwt_client_auth"
scope = "reports.read"

[[clients]]
client_id = "helpdesk"
secret = "${clients.helpdesk}"
metadata = { grant_types = ["urn:ietf:params:oauth:grant-type:token-exchange"], scope = "reports.read" }
settings = { token_exchange = { may_exchange_of = ["${known("client_id")}"] } }

[[clients]]
client_id = "reporting"
secret = "${clients.reporting}"
metadata = { grant_types = ["client_credentials"], scope = "reports.read reports.write" }
settings = { data = { tier = "silver" } }

[[clients]]
client_id = "robot"
secret = "${clients.robot}"

[clients.metadata]
grant_types = ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
scope = "reports.read"
jwks = ${jwks(keys.robot)}

[[trusted_issuers]]
issuer = "https://idp.partner.example"
jwks = ${jwks(keys.partner)}
${policy("users", port.users, ["grant.password"])}
${policy("tiers", port.tiers, ["grant.client_credentials"], 'when = [{ "/client/data/tier" = { exists = true } }]\n')}
${policy("postman", port.policy, ["grant.jwt_bearer", "ciba.request"])}
${policy("exchange", port.policy, ["grant.token_exchange"], clientIs('{ not = { eq = "helpdesk" } }'))}
${policy("helpdesk", port.policy, ["grant.token_exchange"], `${clientIs('{ eq = "helpdesk" }')}allow_impersonation = true\n`)}
[[event_receiver]]
name = "printer"
url = "http://127.0.0.1:${port.printer}"
types = ["*"]
auth.sign = { secret = "${policySecret}" }
${saml === "saml" ? samlBearer() : ""}`,
);

const mapping = readFileSync(here("../sample-policies/python/saml-attribute-mapping/mapping.json"), "utf8");
writeFileSync(
  `${folder}/mapping.json`,
  mapping.replace("https://idp.partner.example/saml", "urn:placet:development:saml"),
);

// A file, so that secrets are not among the arguments of a process.
const set = (key, value, type = "default") => {
  const entry = environment.values.find((entry) => entry.key === key);
  if (entry) entry.value = value;
  else environment.values.push({ key, value, type, enabled: true });
};
environment.name = "run";
set("issuer", issuer);
set("ui_api", `http://127.0.0.1:${port.private}/ui/v1`);
set("private", `http://127.0.0.1:${port.private}`);
set("admin_token", adminToken, "secret");
set("headless_token", headlessToken, "secret");
set("policy_url", `http://127.0.0.1:${port.tiers}`);
set("users_url", `http://127.0.0.1:${port.users}`);
set("policy_secret", policySecret, "secret");
set("receiver_url", `http://127.0.0.1:${port.printer}`);
set("saml_url", saml === "saml" ? `http://127.0.0.1:${port.saml}` : "");
for (const [client, value] of Object.entries(clients)) set(`${client}_secret`, value, "secret");
for (const [name, { privateKey }] of Object.entries(keys)) set(`${name}_key`, JSON.stringify(privateKey), "secret");
writeFileSync(`${folder}/environment.json`, JSON.stringify(environment));

for (const name of names) console.log(`${name}_port=${port[name]}`);
console.log(`policy_secret=${policySecret}`);
console.log(`admin_token=${adminToken}`);

// The grant needs both of its policies: without placet-saml there is none of it.
function samlBearer() {
  return `
[[clients]]
client_id = "insurer"
secret = "${clients.insurer}"
metadata = { grant_types = ["urn:ietf:params:oauth:grant-type:saml2-bearer"], scope = "claims.read claims.submit" }
${policy("saml", port.saml, ["assertion.saml2"])}
${policy("partners", port.partners, ["grant.saml2_bearer"])}`;
}

function key(kid) {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const marked = (jwk) => ({ ...jwk, kid, alg: "ES256", use: "sig" });
  return { privateKey: marked(privateKey.export({ format: "jwk" })), publicKey: marked(publicKey.export({ format: "jwk" })) };
}

// Ports that nobody uses: all are held at once, so that they differ.
async function freePorts(names) {
  const servers = await Promise.all(
    names.map(
      () =>
        new Promise((resolve, reject) => {
          const server = createServer().once("error", reject);
          server.listen(0, "127.0.0.1", () => resolve(server));
        }),
    ),
  );
  const ports = Object.fromEntries(names.map((name, at) => [name, servers[at].address().port]));
  for (const server of servers) server.close();
  return ports;
}
