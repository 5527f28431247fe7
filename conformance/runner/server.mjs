// The configuration of the server, with the clients of all plans. What a suite needs switched on comes from
// `placet dev --profile conformance`.

import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { FAMILIES, clientsOf } from './clients.mjs';
import { ADDRESS, LOGIN, MTLS, OP, PORTS, SUITE } from './hosts.mjs';
import { sha256 } from './keys.mjs';

/** TOML of a value that TOML and JSON write alike, or of an object. */
function toml(value) {
  if (Array.isArray(value)) return `[${value.map(toml).join(', ')}]`;
  if (value && typeof value === 'object') {
    return `{ ${Object.entries(value).map(([name, inner]) => `${JSON.stringify(name)} = ${toml(inner)}`).join(', ')} }`;
  }
  return JSON.stringify(value);
}

function table(heading, members) {
  const lines = Object.entries(members).map(([name, value]) => `${JSON.stringify(name)} = ${toml(value)}`);
  return ['', heading, ...lines].filter((line, at) => line || at === 0);
}

export const POLICY_SECRET = 'directory.secret';

/** Secrets of policies are base64 behind a prefix (Standard Webhooks). */
export const webhookSecret = (hex) => `whsec_${Buffer.from(hex, 'hex').toString('base64')}`;

/** The text of `placet.toml` in a folder. */
export function serverConfiguration(dir, keys) {
  const tls = keys.certificate('server', '/CN=op.test', ['op.test', 'login.test']);
  const suite = join(dir, 'suite.pem');
  const listeners = {
    issuer: OP,
    listen: `${ADDRESS}:${PORTS.op}`,
    private_listen: `127.0.0.1:${PORTS.private}`,
    data_dir: join(dir, 'data'),
    // The suite cannot read a key set with an Ed25519 key in it when it looks for new keys.
    signing_algs: ['RS256', 'PS256', 'ES256', 'RS384', 'RS512', 'PS384', 'PS512', 'ES384'],
    acr_values: ['urn:placet:acr:pwd', '0', '1', 'urn:mace:incommon:iap:silver'],
  };
  const clients = Object.keys(FAMILIES).flatMap((alias) => clientsOf(alias, keys));
  const scopes = ['openid', 'profile', 'email', 'address', 'phone', 'offline_access', 'accounts'];
  return [
    ...table('# Written by conformance/serve.', listeners),
    ...table('[tls]', { certificate_file: tls.cert, key_file: tls.key, profile: 'fapi' }),
    ...table('[mtls]', { listen: `${ADDRESS}:${PORTS.mtls}`, base_url: MTLS }),
    // Request objects of OpenID Connect need no `exp`; FAPI profiles want one from their clients whatever is said here.
    ...table('[request_objects]', { expires: false }),
    // The suite is called back: keys of clients, logouts, pings. Its certificate is its own.
    ...table('[outbound]', { allow_hosts: [new URL(SUITE).hostname], ...(existsSync(suite) ? { extra_ca_files: [suite] } : {}) }),
    ...scopes.flatMap((value) => table('[[scopes]]', { value })),
    ...table('[[ui]]', { name: 'login', login_uri: `${LOGIN}/`, token_sha256: [sha256(keys.secret('ui-token').value)] }),
    // Finds the user of a `login_hint` (CIBA).
    ...table('[[policy]]', { name: 'directory', url: `http://127.0.0.1:${PORTS.directory}`, types: ['ciba.request'] }),
    ...table('[policy.auth]', { sign: { secret: webhookSecret(keys.secret(POLICY_SECRET).value) } }),
    ...clients.flatMap(({ server }) => table('[[clients]]', server)),
    ...table('[[clients]]', resourceServer(keys)),
    '',
  ].join('\n');
}

/** The resource server of the FAPI plans asks about tokens as this client. */
function resourceServer(keys) {
  return {
    client_id: 'accounts-api',
    secret_file: keys.secret('accounts-api.secret').file,
    metadata: { client_name: 'Accounts', redirect_uris: [], response_types: [], grant_types: ['client_credentials'], scope: 'accounts' },
    settings: { introspect_all: true },
  };
}
