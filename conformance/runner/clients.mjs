// The clients that the server knows from the start. Those of the OpenID Connect plans register themselves, except for
// the plans without registration; those of the FAPI plans cannot.

import { SUITE } from './hosts.mjs';
import { certified, publicJwk } from './keys.mjs';

const SCOPE = 'openid profile email address phone offline_access accounts';
const CIBA = 'urn:openid:params:grant-type:ciba';

/** Every family: two clients that share what they are, and the alias of the plans that use them. */
export const FAMILIES = {
  oidc: { ways: ['client_secret_basic', 'client_secret_basic', 'client_secret_post'] },
  'oidc-mtls': { ways: ['self_signed_tls_client_auth', 'self_signed_tls_client_auth'] },
  // A client whose RSA key could sign with RS256 as well, which the plan tries, and one with an EC key.
  'fapi2-pkjwt-dpop': { profile: 'fapi2-sp', alg: ['PS256', 'ES256'], bound: 'dpop' },
  'fapi2-pkjwt-mtls': { profile: 'fapi2-sp', alg: 'PS256', bound: 'mtls' },
  'fapi2-mtls-dpop': { profile: 'fapi2-sp', alg: 'ES256', bound: 'dpop', auth: 'mtls' },
  'fapi2-mtls-mtls': { profile: 'fapi2-sp', alg: 'PS256', bound: 'mtls', auth: 'mtls' },
  'fapi2-ms-pkjwt-dpop': { profile: 'fapi2-ms', alg: 'PS256', bound: 'dpop', messages: true },
  'fapi2-ms-pkjwt-mtls': { profile: 'fapi2-ms', alg: 'PS256', bound: 'mtls', messages: true },
  'fapi1-pkjwt': { profile: 'fapi1-advanced', alg: 'PS256', bound: 'mtls', messages: true, hybrid: true },
  'fapi1-mtls': { profile: 'fapi1-advanced', alg: 'PS256', bound: 'mtls', messages: true, hybrid: true, auth: 'mtls' },
  'fapi1-jarm-pkjwt': { profile: 'fapi1-advanced', alg: 'PS256', bound: 'mtls', messages: true },
  'fapi1-jarm-mtls': { profile: 'fapi1-advanced', alg: 'PS256', bound: 'mtls', messages: true, auth: 'mtls' },
  'ciba-poll-pkjwt': { profile: 'fapi-ciba', alg: 'PS256', bound: 'mtls', ciba: 'poll' },
  'ciba-poll-mtls': { profile: 'fapi-ciba', alg: 'PS256', bound: 'mtls', ciba: 'poll', auth: 'mtls' },
  'ciba-ping-pkjwt': { profile: 'fapi-ciba', alg: 'PS256', bound: 'mtls', ciba: 'ping' },
  'ciba-ping-mtls': { profile: 'fapi-ciba', alg: 'PS256', bound: 'mtls', ciba: 'ping', auth: 'mtls' },
};

/** What the server and the suite know of the clients of a family: `[{ server, suite }, …]`. */
export function clientsOf(alias, keys) {
  const { ways } = FAMILIES[alias];
  return ways ? ways.map((way, at) => ordinary(alias, at + 1, way, keys)) : [1, 2].map((n) => financial(alias, n, keys));
}

/** A client of OpenID Connect, with a secret or with a certificate of its own. */
function ordinary(alias, n, way, keys) {
  const id = `${alias}-${n}`;
  const byCertificate = way === 'self_signed_tls_client_auth';
  const secret = byCertificate ? undefined : keys.secret(`${id}.secret`);
  return {
    server: {
      client_id: id,
      ...(secret ? { secret_file: secret.file } : {}),
      metadata: {
        client_name: `Conformance ${n}`,
        redirect_uris: [`${SUITE}/test/a/${alias}/callback`],
        grant_types: ['authorization_code', 'refresh_token'],
        scope: SCOPE,
        token_endpoint_auth_method: way,
        ...(byCertificate ? { jwks: { keys: [certified(clientCertificate(n, keys), id)] } } : {}),
      },
    },
    suite: { client_id: id, ...(secret ? { client_secret: secret.value } : {}) },
  };
}

/** The certificate of the first or second client of a plan. */
const clientCertificate = (n, keys) => keys.certificate(`certificate-${n}`, `/CN=conformance client ${n}`).pem.cert;

function financial(alias, n, keys) {
  const family = FAMILIES[alias];
  const id = `${alias}-${n}`;
  const key = keys.jwk(id, [family.alg].flat()[n - 1] ?? family.alg);
  const certificate = clientCertificate(n, keys);
  const byCertificate = family.auth === 'mtls';
  return {
    server: {
      client_id: id,
      metadata: {
        client_name: `Conformance ${n}`,
        scope: SCOPE,
        token_endpoint_auth_method: byCertificate ? 'self_signed_tls_client_auth' : 'private_key_jwt',
        jwks: { keys: [publicJwk(key), ...(byCertificate ? [certified(certificate, `${id}-certificate`)] : [])] },
        id_token_signed_response_alg: 'PS256',
        ...(family.bound === 'mtls' ? { tls_client_certificate_bound_access_tokens: true } : { dpop_bound_access_tokens: true }),
        ...(family.messages ? { request_object_signing_alg: 'PS256', authorization_signed_response_alg: 'PS256' } : {}),
        ...(family.ciba ? asking(alias, family.ciba) : redirected(alias, n, family)),
      },
      settings: { profile: family.profile, consent: 'always', refresh_token: { issue: true } },
    },
    suite: {
      client_id: id,
      scope: 'openid accounts',
      jwks: { keys: [key] },
      ...(family.bound === 'dpop' ? { dpop_signing_alg: 'ES256' } : {}),
      ...(family.ciba ? { hint_type: 'login_hint', hint_value: 'alice', acr_value: 'urn:placet:acr:pwd', backchannel_authentication_request_signing_alg: 'PS256' } : {}),
    },
  };
}

/** The second client of a plan comes back with a query too. */
function redirected(alias, n, { hybrid }) {
  const callback = `${SUITE}/test/a/${alias}/callback`;
  return {
    redirect_uris: n === 1 ? [callback] : [callback, `${callback}?dummy1=lorem&dummy2=ipsum`],
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials', ...(hybrid ? ['implicit'] : [])],
    response_types: hybrid ? ['code', 'code id_token'] : ['code'],
  };
}

/** Nobody signs in at a client that asks elsewhere (CIBA): there is no redirect URI. */
function asking(alias, mode) {
  const notified = mode === 'ping'
    ? { backchannel_client_notification_endpoint: `${SUITE}/test/a/${alias}/ciba-notification-endpoint` }
    : {};
  return {
    redirect_uris: [],
    response_types: [],
    grant_types: [CIBA, 'refresh_token'],
    backchannel_token_delivery_mode: mode,
    backchannel_authentication_request_signing_alg: 'PS256',
    ...notified,
  };
}
