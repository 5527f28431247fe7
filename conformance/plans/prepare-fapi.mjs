#!/usr/bin/env node
// Makes keys and certificates of a FAPI conformance run, and writes the configuration of the server and those of the
// plans with them into a folder. Nothing that it makes is of use elsewhere.

import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const [folder, ...rest] = process.argv.slice(2);
if (!folder || rest.length) {
  console.error('usage: conformance/plans/prepare-fapi.mjs FOLDER');
  process.exit(2);
}
process.umask(0o077);
mkdirSync(folder, { recursive: true });
const dir = resolve(folder);
const OP = 'https://op.test:9443';
const MTLS = 'https://op.test:9445';
const LOGIN = 'https://login.test:9444';
const SUITE = 'https://suite.test:8443';

const openssl = (...args) => execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'ignore'] }).toString().trim();

function certificate(name, subject, names) {
  const [key, cert] = [join(dir, `${name}.key`), join(dir, `${name}.pem`)];
  if (!existsSync(cert)) {
    openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '30', '-subj', subject,
      ...(names ? ['-addext', `subjectAltName=${names}`] : []), '-keyout', key, '-out', cert);
  }
  return { key, cert, pem: { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') } };
}

/** A private JWK of a client, kept between runs. */
function jwk(name, alg) {
  const file = join(dir, `${name}.jwk`);
  if (!existsSync(file)) {
    const pair = alg === 'ES256'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: 2048 });
    writeFileSync(file, JSON.stringify({ ...pair.privateKey.export({ format: 'jwk' }), kid: name, alg, use: 'sig' }));
  }
  return JSON.parse(readFileSync(file, 'utf8'));
}

const publicOf = ({ kty, n, e, crv, x, y, kid, alg, use }) =>
  Object.fromEntries(Object.entries({ kty, n, e, crv, x, y, kid, alg, use }).filter(([, value]) => value !== undefined));

function toml(value) {
  if (Array.isArray(value)) return `[${value.map(toml).join(', ')}]`;
  if (value && typeof value === 'object') {
    return `{ ${Object.entries(value).map(([name, inner]) => `${JSON.stringify(name)} = ${toml(inner)}`).join(', ')} }`;
  }
  return JSON.stringify(value);
}

const server = certificate('server', '/CN=op.test', 'DNS:op.test');
const mtls = [1, 2].map((n) => certificate(`client-${n}`, `/CN=conformance client ${n}`));
for (const [name, bytes] of [['master.key', 32], ['ui-token', 32]]) {
  if (!existsSync(join(dir, name))) writeFileSync(join(dir, name), openssl('rand', '-hex', String(bytes)));
}
const digest = openssl('dgst', '-sha256', '-r', join(dir, 'ui-token')).split(' ')[0];

// --- the clients ---------------------------------------------------------------------------------------------------

/** Two clients of a plan: what the server knows of them, and what the suite does. */
function clients(alias, alg, profile, { metadata = {}, known = {} } = {}) {
  const callback = `${SUITE}/test/a/${alias}/callback`;
  return [1, 2].map((n) => {
    const key = jwk(`${alias}-${n}`, alg);
    const redirects = n === 1 ? [callback] : [callback, `${callback}?dummy1=lorem&dummy2=ipsum`];
    return {
      server: [
        '[[clients]]',
        `client_id = "${alias}-${n}"`,
        `metadata = ${toml({
          client_name: `Conformance ${n}`,
          redirect_uris: redirects,
          grant_types: ['authorization_code', 'refresh_token', 'client_credentials', ...(metadata.response_types?.length ? ['implicit'] : [])],
          scope: 'openid profile email address phone offline_access accounts',
          token_endpoint_auth_method: 'private_key_jwt',
          jwks: { keys: [publicOf(key)] },
          id_token_signed_response_alg: 'PS256',
          ...metadata,
        })}`,
        `settings = ${toml({ profile, consent: 'always', refresh_token: { issue: true } })}`,
      ],
      suite: { client_id: `${alias}-${n}`, scope: 'openid accounts', jwks: { keys: [key] }, ...known },
    };
  });
}

const certificateBound = { metadata: { tls_client_certificate_bound_access_tokens: true } };
const signing = { request_object_signing_alg: 'PS256', authorization_signed_response_alg: 'PS256' };
const plans = {
  'fapi2-dpop': clients('fapi2-dpop', 'ES256', 'fapi2-sp', { known: { dpop_signing_alg: 'ES256' } }),
  'fapi2-mtls': clients('fapi2-mtls', 'PS256', 'fapi2-sp', certificateBound),
  'fapi2-ms': clients('fapi2-ms', 'PS256', 'fapi2-ms', { metadata: signing, known: { dpop_signing_alg: 'ES256' } }),
  'fapi1': clients('fapi1', 'PS256', 'fapi1-advanced', {
    metadata: { ...signing, ...certificateBound.metadata, response_types: ['code', 'code id_token'] },
  }),
};

const CIBA = 'urn:openid:params:grant-type:ciba';

/** Two clients of a FAPI-CIBA plan. Where nobody signs in there is no redirect URI. */
function callers(mode) {
  const alias = `fapi-ciba-${mode}`;
  const notified = mode === 'ping'
    ? { backchannel_client_notification_endpoint: `${SUITE}/test/a/${alias}/ciba-notification-endpoint` }
    : {};
  return clients(alias, 'PS256', 'fapi-ciba', {
    metadata: {
      redirect_uris: [],
      response_types: [],
      grant_types: [CIBA, 'refresh_token'],
      backchannel_token_delivery_mode: mode,
      backchannel_authentication_request_signing_alg: 'PS256',
      ...certificateBound.metadata,
      ...notified,
    },
    known: { hint_type: 'login_hint', hint_value: 'alice', backchannel_authentication_request_signing_alg: 'PS256' },
  });
}
const ciba = { 'fapi-ciba-poll': callers('poll'), 'fapi-ciba-ping': callers('ping') };

// --- the server ----------------------------------------------------------------------------------------------------

const base = [
  `issuer = "${OP}"`,
  'listen = "127.0.0.1:9443"',
  'private_listen = "127.0.0.1:8081"',
  `data_dir = "${dir}/data"`,
  `master_key_file = "${dir}/master.key"`,
  'acr_values = ["urn:placet:acr:pwd", "urn:mace:incommon:iap:silver"]',
  '',
  '[tls]',
  `certificate_file = "${server.cert}"`,
  `key_file = "${server.key}"`,
  'profile = "fapi"',
  '',
  '[mtls]',
  'listen = "127.0.0.1:9445"',
  `base_url = "${MTLS}"`,
  '',
  '[limits]',
  'enabled = false',
  '',
  ...['openid', 'profile', 'email', 'address', 'phone', 'offline_access', 'accounts']
    .flatMap((value) => ['[[scopes]]', `value = "${value}"`]),
  '',
  '[[ui]]',
  'name = "login"',
  `login_uri = "${LOGIN}/"`,
  `token_sha256 = ["${digest}"]`,
  '',
];
const served = (all) => Object.values(all).flat().flatMap((client) => [...client.server, '']);
writeFileSync(join(dir, 'placet.toml'), [...base, ...served(plans)].join('\n'));

// Answers in the name of users exist in development mode only: `placet dev --config placet-ciba.toml`. The suite is called
// back at this machine, with the certificate that lies beside the configuration, if there is one.
const suite = join(dir, 'suite.pem');
writeFileSync(join(dir, 'placet-ciba.toml'), [
  ...base,
  '[ciba]',
  'automatic_answers = true',
  '',
  '[outbound]',
  'allow_hosts = ["suite.test"]',
  ...(existsSync(suite) ? [`extra_ca_files = ["${suite}"]`] : []),
  '',
  '[[policy]]',
  'name = "directory"',
  'url = "http://127.0.0.1:8094"',
  'types = ["ciba.request"]',
  '',
  '[policy.auth]',
  'sign = { secret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=" }',
  '',
  ...served(ciba),
].join('\n'));

// --- the plans -----------------------------------------------------------------------------------------------------

const signIn = [['text', 'id', 'username', 'alice', 'optional'], ['text', 'id', 'password', 'wonderland'], ['click', 'id', 'login-submit']];
const back = { task: 'back at the client', match: `${SUITE}/test/*/callback*`, commands: [['wait', 'id', 'submission_complete', 10]] };
const visit = (...tasks) => ({ browser: [{ match: `${OP}/authorize*`, tasks }] });
const usual = visit(
  { task: 'sign in', optional: true, match: `${LOGIN}/login*`, commands: signIn },
  { task: 'consent', optional: true, match: `${LOGIN}/consent*`, commands: [['click', 'id', 'consent-allow']] },
  back,
);
const errorPage = visit({
  task: 'error page',
  match: `${OP}/authorize*`,
  commands: [['wait', 'id', 'error-page', 10, 'Request cannot be processed', 'update-image-placeholder']],
});
const refusing = visit(
  { task: 'sign in', optional: true, match: `${LOGIN}/login*`, commands: signIn },
  { task: 'refuse', match: `${LOGIN}/consent*`, commands: [['click', 'id', 'consent-deny']] },
  back,
);
// A page that is opened and left alone: the first of two visits.
const lookedAt = {
  browser: [
    { match: `${OP}/authorize*`, 'match-limit': 1, tasks: [{ task: 'look', match: `${LOGIN}/login*`, commands: [['wait', 'id', 'login-submit', 10]] }] },
    ...usual.browser,
  ],
};

// The same request twice: the first visit ends at the client, the second in a page.
const usedTwice = { browser: [{ ...usual.browser[0], 'match-limit': 1 }, ...errorPage.browser] };

function overrides(prefix, pages) {
  const all = {
    'user-rejects-authentication': refusing,
    'par-ensure-reused-request-uri-prior-to-auth-completion-succeeds': lookedAt,
    'par-attempt-reuse-request_uri': usedTwice,
  };
  for (const name of pages) all[name] = errorPage;
  return Object.fromEntries(Object.entries(all).map(([name, what]) => [`${prefix}-${name}`, what]));
}

const pushedPages = ['par-attempt-to-use-expired-request_uri', 'par-attempt-to-use-request_uri-for-different-client'];
const fapi2Pages = overrides('fapi2-security-profile-final', pushedPages);
const fapi1Pages = overrides('fapi1-advanced-final', [
  ...pushedPages, 'ensure-registered-redirect-uri', 'ensure-redirect-uri-in-authorization-request',
  'ensure-request-object-without-redirect-uri-fails', 'ensure-request-object-with-invalid-signature-fails',
  'ensure-request-object-signature-algorithm-is-not-none', 'ensure-signed-request-object-with-RS256-fails',
  'ensure-matching-key-in-authorization-request', 'ensure-authorization-request-without-request-object-fails',
]);

for (const [alias, [first, second]] of Object.entries(plans)) {
  writeFileSync(join(dir, `${alias}.json`), JSON.stringify({
    alias,
    description: `Placet, ${alias}`,
    server: { discoveryUrl: `${OP}/.well-known/openid-configuration` },
    client: first.suite,
    client2: second.suite,
    mtls: mtls[0].pem,
    mtls2: mtls[1].pem,
    resource: { resourceUrl: `${alias.endsWith('mtls') || alias === 'fapi1' ? MTLS : OP}/userinfo` },
    options: { browsercontrol_css_enable: false },
    ...usual,
    override: alias === 'fapi1' ? fapi1Pages : fapi2Pages,
  }, null, 2));
}
for (const [alias, [first, second]] of Object.entries(ciba)) {
  writeFileSync(join(dir, `${alias}.json`), JSON.stringify({
    alias,
    description: `Placet, ${alias}`,
    server: { discoveryUrl: `${OP}/.well-known/openid-configuration` },
    client: { ...first.suite, scope: 'openid accounts' },
    client2: { ...second.suite, scope: 'openid accounts' },
    mtls: mtls[0].pem,
    mtls2: mtls[1].pem,
    resource: { resourceUrl: `${MTLS}/userinfo` },
    automated_ciba_approval_url: `${OP}/dev/ciba?auth_req_id={auth_req_id}&action={action}`,
  }, null, 2));
}
console.log(`written: ${['placet.toml', 'placet-ciba.toml', ...Object.keys({ ...plans, ...ciba }).map((alias) => `${alias}.json`)].map((name) => join(dir, name)).join(', ')}`);
