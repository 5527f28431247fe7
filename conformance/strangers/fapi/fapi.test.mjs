// What an application of a bank does with `openid-client` and `oauth4webapi`: FAPI 2.0 with DPoP and with mTLS, FAPI 2.0
// Message Signing, FAPI 1.0 Advanced.

import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';

import * as oauth from 'oauth4webapi';
import * as client from 'openid-client';

import { Driver, willing } from '../openid-client/driver.mjs';
import { CALLBACK, startFapi } from './stand.mjs';

const alice = willing('alice', 'wonderland');

let stand;

before(async () => {
  stand = await startFapi();
});

after(() => stand?.stop());

beforeEach(() => stand.forget('alice'));

/** What the library knows of the server, as a client that authenticates by `authentication`. */
function discover(id, authentication, { metadata = {}, fetch = stand.fetch, execute = [] } = {}) {
  return client.discovery(new URL(stand.issuer), id, metadata, authentication, {
    [client.customFetch]: fetch,
    execute: [client.enableNonRepudiationChecks, ...execute],
  });
}

const signedBy = ({ key, kid }) => client.PrivateKeyJwt({ key, kid });

/** The parameters of a request, and what its answer must match. */
async function asked(parameters = {}) {
  const pkceCodeVerifier = client.randomPKCECodeVerifier();
  const checks = { pkceCodeVerifier, expectedState: client.randomState(), expectedNonce: client.randomNonce() };
  return {
    checks: { ...checks, idTokenExpected: true },
    parameters: {
      redirect_uri: CALLBACK,
      scope: 'openid email',
      state: checks.expectedState,
      nonce: checks.expectedNonce,
      code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
      ...parameters,
    },
  };
}

/** Signs alice in at an address, and yields where she is sent back. */
async function back(url) {
  const driver = new Driver([CALLBACK], stand.fetch);
  const end = await driver.go(url.href, alice);
  assert.ok(end.url ?? end.request, `no way back: ${end.status} ${end.html}`);
  return end.request ?? end.url;
}

test('FAPI 2.0 with DPoP: PAR, a code, UserInfo and a refresh, all under one key', async () => {
  const config = await discover('dpop', signedBy(stand.ecdsa));
  assert.equal(config.serverMetadata().authorization_response_iss_parameter_supported, true);
  const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'));
  const { parameters, checks } = await asked({ scope: 'openid email offline_access', prompt: 'consent' });
  const url = await client.buildAuthorizationUrlWithPAR(config, parameters, { DPoP });
  assert.deepEqual([...url.searchParams.keys()].sort(), ['client_id', 'request_uri']);
  const tokens = await client.authorizationCodeGrant(config, await back(url), checks, undefined, { DPoP });
  assert.equal(tokens.token_type, 'dpop');
  const user = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub, { DPoP });
  assert.equal(user.email, 'alice@example.com');
  const fresh = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP });
  assert.equal(fresh.token_type, 'dpop');
  await client.fetchUserInfo(config, fresh.access_token, tokens.claims().sub, { DPoP });
  // Neither as a bearer token nor under another key.
  await assert.rejects(client.fetchUserInfo(config, fresh.access_token, tokens.claims().sub));
  const other = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'));
  await assert.rejects(client.fetchUserInfo(config, fresh.access_token, tokens.claims().sub, { DPoP: other }));
});

test('FAPI 2.0: what is not pushed is refused, and so is a token without a proof', async () => {
  const config = await discover('dpop', signedBy(stand.ecdsa));
  const { parameters } = await asked();
  const driver = new Driver([CALLBACK], stand.fetch);
  const end = await driver.go(client.buildAuthorizationUrl(config, parameters).href, alice);
  assert.equal(end.url?.searchParams.get('error') ?? 'invalid_request', 'invalid_request');
  assert.equal(end.url?.searchParams.has('code') ?? false, false);
  await assert.rejects(
    client.clientCredentialsGrant(config, { scope: 'reports.read' }),
    (error) => ['invalid_dpop_proof', 'invalid_request'].includes(error.error),
  );
});

test('FAPI 2.0 with mTLS: the certificate authenticates the client and binds its tokens', async () => {
  const config = await discover('mtls', client.TlsClientAuth(), {
    metadata: { use_mtls_endpoint_aliases: true },
    fetch: stand.fetchAs.client,
  });
  assert.ok(config.serverMetadata().mtls_endpoint_aliases.token_endpoint);
  const { parameters, checks } = await asked();
  const url = await client.buildAuthorizationUrlWithPAR(config, parameters);
  const tokens = await client.authorizationCodeGrant(config, await back(url), checks);
  assert.equal(tokens.token_type, 'bearer');
  const user = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub);
  assert.equal(user.email, 'alice@example.com');
  // A thief of the token has another certificate, or none.
  for (const fetch of [stand.fetchAs.stranger, stand.fetch]) {
    const thief = await discover('mtls', client.TlsClientAuth(), { metadata: { use_mtls_endpoint_aliases: true }, fetch });
    await assert.rejects(client.fetchUserInfo(thief, tokens.access_token, tokens.claims().sub));
    await assert.rejects(client.buildAuthorizationUrlWithPAR(thief, parameters), { status: 401 });
  }
});

test('FAPI 2.0 Message Signing: signed requests, pushed, and signed responses', async () => {
  const config = await discover('signing', signedBy(stand.rsa), { execute: [client.useJwtResponseMode] });
  const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'));
  const { parameters, checks } = await asked();
  const signed = await client.buildAuthorizationUrlWithJAR(config, parameters, { key: stand.rsa.key, kid: stand.rsa.kid });
  const url = await client.buildAuthorizationUrlWithPAR(config, signed.searchParams, { DPoP });
  const answer = await back(url);
  assert.deepEqual([...answer.searchParams.keys()], ['response']);
  const tokens = await client.authorizationCodeGrant(config, answer, checks, undefined, { DPoP });
  assert.equal(tokens.claims().iss, stand.issuer);
  await assert.rejects(client.buildAuthorizationUrlWithPAR(config, parameters, { DPoP }));
});

test('FAPI 1.0 Advanced: a signed request by value, a signed response, tokens bound to a certificate', async () => {
  const config = await discover('advanced', signedBy(stand.rsa), {
    metadata: { use_mtls_endpoint_aliases: true },
    fetch: stand.fetchAs.client,
    execute: [client.useJwtResponseMode],
  });
  const { parameters, checks } = await asked();
  const now = Math.floor(Date.now() / 1000);
  const url = await client.buildAuthorizationUrlWithJAR(config, parameters, { key: stand.rsa.key, kid: stand.rsa.kid }, {
    [client.modifyAssertion]: (_, payload) => Object.assign(payload, { nbf: now, exp: now + 300 }),
  });
  const tokens = await client.authorizationCodeGrant(config, await back(url), checks);
  const user = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub);
  assert.equal(user.email, 'alice@example.com');
  await assert.rejects(
    client.authorizationCodeGrant(config, await back(client.buildAuthorizationUrl(config, parameters)), checks),
  );
});

test('oauth4webapi: a signed introspection response about a token under a DPoP key', async () => {
  const as = await oauth
    .discoveryRequest(new URL(stand.issuer), { [oauth.customFetch]: stand.fetch })
    .then((answer) => oauth.processDiscoveryResponse(new URL(stand.issuer), answer));
  const options = { [oauth.customFetch]: stand.fetch };
  const dpop = { client_id: 'dpop' };
  const DPoP = oauth.DPoP(dpop, await oauth.generateKeyPair('ES256'));
  const granted = await oauth.clientCredentialsGrantRequest(
    as, dpop, oauth.PrivateKeyJwt(stand.ecdsa), new URLSearchParams({ scope: 'reports.read' }), { ...options, DPoP },
  );
  const { access_token, token_type } = await oauth.processClientCredentialsResponse(as, dpop, granted);
  assert.equal(token_type, 'dpop');
  const api = { client_id: 'api', introspection_signed_response_alg: 'PS256' };
  const answer = await oauth.introspectionRequest(as, api, oauth.PrivateKeyJwt(stand.ecdsa), access_token, {
    ...options, requestJwtResponse: true,
  });
  assert.match(answer.headers.get('content-type'), /token-introspection\+jwt/);
  const about = await oauth.processIntrospectionResponse(as, api, answer);
  assert.equal(about.active, true);
  assert.match(about.cnf.jkt, /^[\w-]{43}$/);
});
