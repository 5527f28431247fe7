// A server with TLS, an mTLS port, and clients that are held to FAPI profiles.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import * as jose from 'jose';
import { Agent, fetch as undiciFetch } from 'undici';

import { freePorts, start } from '../stand.mjs';

export const CALLBACK = 'https://client.example/callback';

/** A self-signed certificate for a subject; with `localhost` as a name for servers. */
function certificate(dir, name, subject) {
  const [key, cert] = [join(dir, `${name}.key`), join(dir, `${name}.pem`)];
  execFileSync('openssl', [
    'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', subject,
    '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-keyout', key, '-out', cert,
  ], { stdio: 'pipe' });
  return { key, cert, pem: { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') } };
}

/** A key pair of a client, and its public half as a key set. */
async function keyPair(alg, kid) {
  const { privateKey, publicKey } = await jose.generateKeyPair(alg, { extractable: true });
  const jwk = { ...(await jose.exportJWK(publicKey)), kid, alg, use: 'sig' };
  return { key: privateKey, kid, alg, jwks: { keys: [jwk] } };
}

/** TOML of a value that TOML and JSON write alike, or of an object. */
function toml(value) {
  if (Array.isArray(value)) return `[${value.map(toml).join(', ')}]`;
  if (value && typeof value === 'object') {
    return `{ ${Object.entries(value).map(([name, inner]) => `${JSON.stringify(name)} = ${toml(inner)}`).join(', ')} }`;
  }
  return JSON.stringify(value);
}

/** The lines of a client in the configuration. */
function clientLines(id, metadata, settings) {
  return [
    '[[clients]]',
    `client_id = ${JSON.stringify(id)}`,
    `metadata = ${toml({
      redirect_uris: [CALLBACK],
      grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
      scope: 'openid profile email offline_access reports.read',
      ...metadata,
    })}`,
    `settings = ${toml(settings)}`,
  ];
}

/**
 * Starts a server with an https issuer and its login app. `server` are lines of its configuration before the first
 * table.
 */
export async function startFapi({ tables = [] } = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'placet-fapi-'));
  const server = certificate(dir, 'server', '/CN=localhost');
  const mtls = certificate(dir, 'client', '/CN=bank client');
  const stranger = certificate(dir, 'stranger', '/CN=bank client');
  const [ecdsa, rsa] = [await keyPair('ES256', 'ec-1'), await keyPair('PS256', 'rsa-1')];
  const [mtlsPort] = await freePorts(1);
  const x5c = [mtls.pem.cert.replaceAll(/-----[A-Z ]+-----|\s/g, '')];
  const publicKey = await jose.importX509(mtls.pem.cert, 'PS256', { extractable: true });
  const certified = { keys: [{ ...(await jose.exportJWK(publicKey)), kid: 'cert-1', x5c }] };
  const signs = (pair) => ({
    token_endpoint_auth_method: 'private_key_jwt', token_endpoint_auth_signing_alg: pair.alg, jwks: pair.jwks,
    id_token_signed_response_alg: 'PS256',
  });
  const proves = { token_endpoint_auth_method: 'self_signed_tls_client_auth', jwks: certified, id_token_signed_response_alg: 'PS256' };
  const certificateBound = { tls_client_certificate_bound_access_tokens: true };
  const clients = [
    clientLines('dpop', { ...signs(ecdsa), dpop_bound_access_tokens: true }, { profile: 'fapi2-sp' }),
    clientLines('signing', {
      ...signs(rsa), dpop_bound_access_tokens: true, request_object_signing_alg: 'PS256',
      authorization_signed_response_alg: 'PS256',
    }, { profile: 'fapi2-ms' }),
    clientLines('mtls', { ...proves, ...certificateBound }, { profile: 'fapi2-sp' }),
    clientLines('advanced', {
      ...signs(rsa), ...certificateBound, request_object_signing_alg: 'PS256', authorization_signed_response_alg: 'PS256',
    }, { profile: 'fapi1-advanced' }),
    clientLines('api', { token_endpoint_auth_method: 'private_key_jwt', jwks: ecdsa.jwks, introspection_signed_response_alg: 'PS256' },
      { introspect_all: true }),
  ];
  const stand = await start({
    demo: false,
    https: true,
    more: [
      '[tls]',
      `certificate_file = ${JSON.stringify(server.cert)}`,
      `key_file = ${JSON.stringify(server.key)}`,
      'profile = "fapi"',
      '[mtls]',
      `listen = "127.0.0.1:${mtlsPort}"`,
      `base_url = "https://localhost:${mtlsPort}"`,
      ...tables,
      ...clients.flat(),
    ].join('\n'),
  }).catch((error) => {
    rmSync(dir, { recursive: true, force: true });
    throw error;
  });
  // A fetch that trusts the server and, if told so, shows a certificate.
  const fetchWith = (identity) => {
    const dispatcher = new Agent({ connect: { ca: server.pem.cert, ...(identity?.pem ?? {}) } });
    agents.push(dispatcher);
    return (url, init) => undiciFetch(url, { ...init, dispatcher });
  };
  const agents = [];
  return {
    ...stand,
    ecdsa,
    rsa,
    fetch: fetchWith(),
    fetchAs: { client: fetchWith(mtls), stranger: fetchWith(stranger) },
    async stop() {
      await Promise.all(agents.map((agent) => agent.close()));
      await stand.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
