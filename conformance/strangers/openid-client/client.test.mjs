// What an application does with the `openid-client` library, from registration to logout.

import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';

import * as client from 'openid-client';

import { start } from '../stand.mjs';
import { Driver, willing } from './driver.mjs';

const CALLBACK = 'http://localhost:49999/callback';
const HOME = 'http://localhost:49999/bye';
const INSECURE = { execute: [client.allowInsecureRequests] };
const alice = willing('alice', 'wonderland');

let stand;
let issuer;

before(async () => {
  stand = await start({ demo: false });
  issuer = new URL(stand.issuer);
});

after(() => stand?.stop());

beforeEach(() => stand.forget('alice'));

const AUTHENTICATION = {
  client_secret_basic: client.ClientSecretBasic,
  client_secret_post: client.ClientSecretPost,
  none: client.None,
};

/** An application that registers itself. */
function register(metadata = {}, execute = []) {
  const method = metadata.token_endpoint_auth_method ?? 'client_secret_basic';
  return client.dynamicClientRegistration(
    issuer,
    {
      client_name: 'Books',
      redirect_uris: [CALLBACK],
      post_logout_redirect_uris: [HOME],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: method,
      ...metadata,
    },
    // The library learns the secret from the answer.
    AUTHENTICATION[method](),
    { execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks, ...execute] },
  );
}

/** A request with everything that protects it; what the answer must match. */
async function request(config, parameters = {}) {
  const pkceCodeVerifier = client.randomPKCECodeVerifier();
  const checks = { pkceCodeVerifier, expectedState: client.randomState(), expectedNonce: client.randomNonce() };
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: CALLBACK,
    scope: 'openid profile email',
    state: checks.expectedState,
    nonce: checks.expectedNonce,
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
    ...parameters,
  });
  return { url, checks };
}

/** Signs alice in and yields the tokens. */
async function signIn(config, parameters, driver = new Driver([CALLBACK, HOME])) {
  const { url, checks } = await request(config, parameters);
  const back = await driver.go(url.href, alice);
  assert.ok(back.url ?? back.request, `no way back: ${back.status} ${back.html}`);
  const tokens = await client.authorizationCodeGrant(config, back.request ?? back.url, {
    ...checks,
    idTokenExpected: true,
  });
  return { tokens, driver };
}

test('discovery tells what the library needs', async () => {
  const config = await client.discovery(issuer, 'demo', undefined, client.None(), INSECURE);
  const server = config.serverMetadata();
  assert.equal(server.issuer, stand.issuer);
  assert.equal(server.supportsPKCE(), true);
  assert.equal(server.authorization_response_iss_parameter_supported, true);
  for (const endpoint of ['authorization', 'token', 'userinfo', 'introspection', 'revocation', 'end_session', 'registration']) {
    assert.ok(server[`${endpoint}_endpoint`]?.startsWith(stand.issuer), endpoint);
  }
  const oauth = await client.discovery(issuer, 'demo', undefined, client.None(), { ...INSECURE, algorithm: 'oauth2' });
  assert.equal(oauth.serverMetadata().token_endpoint, server.token_endpoint);
});

test('a registered client signs a user in by code and PKCE, and asks for the claims', async () => {
  const config = await register();
  const { tokens, driver } = await signIn(config);
  assert.equal(tokens.token_type, 'bearer');
  assert.ok(tokens.expiresIn() > 0);
  const claims = tokens.claims();
  assert.equal(claims.iss, stand.issuer);
  assert.equal(claims.aud, config.clientMetadata().client_id);
  const user = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
  assert.equal(user.name, 'Alice Liddell');
  assert.equal(user.email, 'alice@example.com');
  assert.equal(user.phone_number, undefined);
  assert.deepEqual(driver.pages, ['/login', '/consent']);
});

test('a public client does the same without a secret, and never without PKCE', async () => {
  const config = await register({ token_endpoint_auth_method: 'none' });
  const { tokens } = await signIn(config);
  assert.ok(tokens.claims().sub);
  const { url } = await request(config);
  url.searchParams.delete('code_challenge');
  url.searchParams.delete('code_challenge_method');
  const back = await new Driver([CALLBACK]).go(url.href, alice);
  assert.equal(back.url.searchParams.get('error'), 'invalid_request');
});

test('client_secret_post is taken as well', async () => {
  const { tokens } = await signIn(await register({ token_endpoint_auth_method: 'client_secret_post' }));
  assert.ok(tokens.claims().sub);
});

test('refresh tokens rotate, and the new access token works', async () => {
  const config = await register({ scope: 'openid profile email offline_access' });
  const { tokens } = await signIn(config, { scope: 'openid profile offline_access', prompt: 'consent' });
  assert.ok(tokens.refresh_token);
  const fresh = await client.refreshTokenGrant(config, tokens.refresh_token);
  assert.notEqual(fresh.access_token, tokens.access_token);
  assert.notEqual(fresh.refresh_token, tokens.refresh_token);
  assert.equal(fresh.claims()?.sub ?? tokens.claims().sub, tokens.claims().sub);
  const user = await client.fetchUserInfo(config, fresh.access_token, tokens.claims().sub);
  assert.equal(user.name, 'Alice Liddell');
});

test('a refresh can ask for less, and not for more', async () => {
  const config = await register({ scope: 'openid profile email phone offline_access' });
  const { tokens } = await signIn(config, { scope: 'openid profile email offline_access', prompt: 'consent' });
  const less = await client.refreshTokenGrant(config, tokens.refresh_token, { scope: 'openid email' });
  assert.deepEqual(less.scope.split(' ').sort(), ['email', 'openid']);
  const user = await client.fetchUserInfo(config, less.access_token, tokens.claims().sub);
  assert.equal(user.name, undefined);
  assert.equal(user.email, 'alice@example.com');
  await assert.rejects(
    client.refreshTokenGrant(config, less.refresh_token, { scope: 'openid phone' }),
    (error) => error.error === 'invalid_scope',
  );
});

test('a refresh whose answer was lost can be repeated at once, with the same outcome', async () => {
  const config = await register({ scope: 'openid offline_access' });
  const { tokens } = await signIn(config, { scope: 'openid offline_access', prompt: 'consent' });
  const [one, two] = await Promise.all([
    client.refreshTokenGrant(config, tokens.refresh_token),
    client.refreshTokenGrant(config, tokens.refresh_token),
  ]);
  assert.equal(one.refresh_token, two.refresh_token);
  assert.ok((await client.refreshTokenGrant(config, one.refresh_token)).refresh_token);
});

test('a refresh token from two generations ago ends the whole family', async () => {
  const config = await register({ scope: 'openid offline_access' });
  const { tokens: first } = await signIn(config, { scope: 'openid offline_access', prompt: 'consent' });
  const second = await client.refreshTokenGrant(config, first.refresh_token);
  const third = await client.refreshTokenGrant(config, second.refresh_token);
  for (const token of [first.refresh_token, third.refresh_token]) {
    await assert.rejects(
      client.refreshTokenGrant(config, token),
      (error) => error.error === 'invalid_grant',
    );
  }
  assert.deepEqual(await client.tokenIntrospection(config, third.access_token), { active: false });
});

test('single claims can be asked for, for the ID token and for UserInfo', async () => {
  const config = await register();
  const claims = { id_token: { email: { essential: true } }, userinfo: { phone_number: null } };
  const { tokens } = await signIn(config, { scope: 'openid', claims: JSON.stringify(claims) });
  assert.equal(tokens.claims().email, 'alice@example.com');
  const user = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub);
  assert.equal(user.phone_number, '+44 20 7946 0001');
  assert.equal(user.email, undefined);
});

test('login_hint fills in the name, and id_token_hint insists on the user', async () => {
  const config = await register();
  const driver = new Driver([CALLBACK, HOME]);
  const { url, checks } = await request(config, { login_hint: 'alice@example.com' });
  let hinted;
  const back = await driver.go(url.href, (form) => {
    hinted ??= form.fields.username;
    return alice(form);
  });
  assert.equal(hinted, 'alice@example.com');
  const tokens = await client.authorizationCodeGrant(config, back.url, checks);

  const silent = await request(config, { prompt: 'none', id_token_hint: tokens.id_token });
  assert.ok((await driver.go(silent.url.href, () => undefined)).url.searchParams.get('code'));
  const bobs = new Driver([CALLBACK, HOME]);
  const other = await request(config);
  await bobs.go(other.url.href, willing('bob', 'builder'));
  const refused = await bobs.go(silent.url.href, () => undefined);
  assert.equal(refused.url.searchParams.get('error'), 'login_required');
});

test('pairwise subjects differ between sectors, and are stable within one', async () => {
  const subject = async (redirect) => {
    const config = await register({ subject_type: 'pairwise', redirect_uris: [redirect] });
    const driver = new Driver([redirect]);
    const { url, checks } = await request(config, { redirect_uri: redirect });
    const back = await driver.go(url.href, alice);
    return (await client.authorizationCodeGrant(config, back.url, checks)).claims().sub;
  };
  const [one, two] = [await subject(CALLBACK), await subject('http://127.0.0.1:49999/callback')];
  assert.notEqual(one, two);
  assert.notEqual(one, 'alice');
  assert.equal(await subject('http://localhost:49998/elsewhere'), one);
});

test('introspection tells about tokens until they are revoked', async () => {
  const config = await register({ scope: 'openid profile email offline_access' });
  const { tokens } = await signIn(config, { scope: 'openid email offline_access', prompt: 'consent' });
  const live = await client.tokenIntrospection(config, tokens.access_token);
  assert.equal(live.active, true);
  assert.equal(live.client_id, config.clientMetadata().client_id);
  assert.equal(live.iss, stand.issuer);
  await client.tokenRevocation(config, tokens.refresh_token);
  for (const token of [tokens.access_token, tokens.refresh_token]) {
    assert.deepEqual(await client.tokenIntrospection(config, token), { active: false });
  }
  await assert.rejects(
    client.refreshTokenGrant(config, tokens.refresh_token),
    (error) => error.error === 'invalid_grant',
  );
  await assert.rejects(client.fetchUserInfo(config, tokens.access_token, client.skipSubjectCheck));
});

test('the token of a client is none of another client\'s business', async () => {
  const [mine, other] = [await register(), await register()];
  const { tokens } = await signIn(mine);
  assert.deepEqual(await client.tokenIntrospection(other, tokens.access_token), { active: false });
  // RFC 7009 leaves the answer open; what counts is that the token lives on.
  await client.tokenRevocation(other, tokens.access_token).catch(() => {});
  assert.equal((await client.tokenIntrospection(mine, tokens.access_token)).active, true);
});

test('a code works once, and its second use ends the tokens of the first', async () => {
  const config = await register();
  const { url, checks } = await request(config);
  const back = await new Driver([CALLBACK]).go(url.href, alice);
  const tokens = await client.authorizationCodeGrant(config, back.url, checks);
  await assert.rejects(
    client.authorizationCodeGrant(config, back.url, checks),
    (error) => error.error === 'invalid_grant',
  );
  assert.deepEqual(await client.tokenIntrospection(config, tokens.access_token), { active: false });
});

test('a code is worth nothing without the right verifier', async () => {
  const config = await register();
  const { url, checks } = await request(config);
  const back = await new Driver([CALLBACK]).go(url.href, alice);
  await assert.rejects(
    client.authorizationCodeGrant(config, back.url, { ...checks, pkceCodeVerifier: client.randomPKCECodeVerifier() }),
    (error) => error.error === 'invalid_grant',
  );
});

test('max_age is honoured, and auth_time proves it', async () => {
  const config = await register();
  const driver = new Driver([CALLBACK, HOME]);
  await signIn(config, {}, driver);
  const { url, checks } = await request(config, { max_age: '300' });
  const back = await driver.go(url.href, alice);
  const tokens = await client.authorizationCodeGrant(config, back.url, { ...checks, maxAge: 300 });
  assert.equal(typeof tokens.claims().auth_time, 'number');
});

test('an error comes back to the application with its state and issuer', async () => {
  const config = await register();
  const { url, checks } = await request(config, { prompt: 'none' });
  const back = await new Driver([CALLBACK]).go(url.href, () => undefined);
  assert.equal(back.url.searchParams.get('iss'), stand.issuer);
  await assert.rejects(
    client.authorizationCodeGrant(config, back.url, checks),
    (error) => error instanceof client.AuthorizationResponseError && error.error === 'login_required',
  );
});

test('the code arrives by form_post where the application asks for it', async () => {
  const config = await register();
  const { url, checks } = await request(config, { response_mode: 'form_post' });
  const back = await new Driver([CALLBACK]).go(url.href, alice);
  assert.ok(back.request, 'a form is posted to the application');
  // The library takes codes from addresses; only hybrid answers are read from a posted form.
  const landed = new URL(CALLBACK);
  landed.search = await back.request.text();
  const tokens = await client.authorizationCodeGrant(config, landed, checks);
  assert.ok(tokens.claims().sub);
});

const HYBRID = {
  response_types: ['code id_token'],
  grant_types: ['authorization_code', 'implicit', 'refresh_token'],
};

test('`code id_token` arrives in the fragment, and the library accepts both parts', async () => {
  const config = await register(HYBRID, [client.useCodeIdTokenResponseType]);
  const { tokens } = await signIn(config);
  assert.ok(tokens.claims().sub);
});

test('`code id_token` arrives by form_post, and the library accepts both parts', async () => {
  const config = await register(HYBRID, [client.useCodeIdTokenResponseType]);
  const { url, checks } = await request(config, { response_mode: 'form_post' });
  const back = await new Driver([CALLBACK]).go(url.href, alice);
  const tokens = await client.authorizationCodeGrant(config, back.request, checks);
  assert.ok(tokens.claims().sub);
});

test('`id_token` alone is accepted by the library', async () => {
  const config = await register({ response_types: ['id_token'], grant_types: ['implicit'] }, [
    client.useIdTokenResponseType,
  ]);
  const expectedNonce = client.randomNonce();
  const expectedState = client.randomState();
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: CALLBACK, scope: 'openid email', nonce: expectedNonce, state: expectedState,
  });
  const back = await new Driver([CALLBACK]).go(url.href, alice);
  const claims = await client.implicitAuthentication(config, back.url, expectedNonce, { expectedState });
  // Without an access token there is no other place for the claims of a scope.
  assert.equal(claims.email, 'alice@example.com');
});

test('logging out ends the session, and comes back with the state', async () => {
  const config = await register();
  const { tokens, driver } = await signIn(config);
  const state = client.randomState();
  const url = client.buildEndSessionUrl(config, {
    post_logout_redirect_uri: HOME, id_token_hint: tokens.id_token, state,
  });
  const back = await driver.go(url.href, alice);
  assert.equal(back.url.href, `${HOME}?state=${state}`);
  assert.ok(driver.pages.includes('/logout'));
  assert.deepEqual(await stand.kept('sessions', 'alice'), []);
  const again = await request(config, { prompt: 'none' });
  const refused = await driver.go(again.url.href, alice);
  assert.equal(refused.url.searchParams.get('error'), 'login_required');
});

test('a client that registered itself cannot act in its own name', async () => {
  await assert.rejects(
    register({ grant_types: ['client_credentials'], response_types: [], redirect_uris: [] }),
    (error) => error.error === 'invalid_client_metadata',
  );
  const config = await register();
  await assert.rejects(
    client.clientCredentialsGrant(config, { scope: 'profile' }),
    (error) => error.error === 'unauthorized_client',
  );
});

test('registration refuses what cannot work', async () => {
  await assert.rejects(
    register({ redirect_uris: ['https://books.example/callback#fragment'] }),
    (error) => error.error === 'invalid_redirect_uri',
  );
  await assert.rejects(
    register({ response_types: ['code id_token'], grant_types: ['authorization_code'] }),
    (error) => error.error === 'invalid_client_metadata',
  );
});

test('a wrong secret is invalid_client', async () => {
  const config = await register();
  const { client_id: id } = config.clientMetadata();
  const wrong = await client.discovery(issuer, id, undefined, client.ClientSecretBasic('wrong'), INSECURE);
  await assert.rejects(client.tokenIntrospection(wrong, 'anything'), (error) => error.error === 'invalid_client'
    || error.cause?.some?.((challenge) => challenge.scheme === 'basic'));
});
