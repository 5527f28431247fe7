// A device without a browser, played by the `openid-client` library (RFC 8628).

import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';

import * as client from 'openid-client';

import { start } from '../stand.mjs';
import { Driver, willing } from './driver.mjs';

const SCOPE = 'openid profile offline_access';
const alice = willing('alice', 'wonderland');

let stand;
let issuer;

before(async () => {
  stand = await start({
    demo: false,
    more: [
      '[device]', 'interval = 1',
      '[[clients]]', 'client_id = "box"', 'secret = "secret-of-a-box-for-this-test-only-0123456789"',
      '[clients.metadata]', 'client_name = "Box"', 'response_types = []', 'scope = "openid profile offline_access"',
      'grant_types = ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"]',
    ].join('\n'),
  });
  issuer = new URL(stand.issuer);
});

after(() => stand?.stop());

beforeEach(() => stand.forget('alice'));

const television = () =>
  client.discovery(issuer, 'demo-tv', undefined, client.None(), { execute: [client.allowInsecureRequests] });

/** A user who types this code where one is asked for, and says this to the device. */
const person = (userCode, answer = 'confirm') => (form, html) => {
  if (form.ids.includes('id="code-submit"')) return { user_code: userCode, action: 'go-on' };
  if (form.ids.includes('id="device-confirm"')) return { action: answer };
  return alice(form, html);
};

async function answers(address, fill) {
  const driver = new Driver([]);
  const end = await driver.go(address, fill);
  assert.ok(end.html.includes('id="device-done"'), `${end.status} ${end.html}`);
  return { driver, end };
}

test('a device gets its tokens once its user has typed the code and agreed', async () => {
  const config = await television();
  const codes = await client.initiateDeviceAuthorization(config, { scope: SCOPE });
  assert.equal(codes.verification_uri, `${stand.issuer}/device`);
  assert.match(codes.user_code, /^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/);
  const polling = client.pollDeviceAuthorizationGrant(config, codes);
  const { driver } = await answers(codes.verification_uri, person(codes.user_code.toLowerCase().replace('-', ' ')));
  assert.deepEqual(driver.pages, ['/device', '/device', '/login', '/consent', '/resume']);
  const tokens = await polling;
  const claims = tokens.claims();
  assert.equal(claims.sub, 'alice');
  assert.equal(claims.aud, 'demo-tv');
  const user = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
  assert.equal(user.name, 'Alice Liddell');
  const fresh = await client.refreshTokenGrant(config, tokens.refresh_token);
  assert.notEqual(fresh.access_token, tokens.access_token);
});

test('the link with the code in it asks whether the device is the user\'s, and for nothing to be typed', async () => {
  const config = await television();
  const codes = await client.initiateDeviceAuthorization(config, { scope: SCOPE });
  const polling = client.pollDeviceAuthorizationGrant(config, codes);
  const { driver } = await answers(codes.verification_uri_complete, person(undefined));
  assert.deepEqual(driver.pages, ['/device', '/login', '/consent', '/resume']);
  assert.equal((await polling).claims().sub, 'alice');
});

test('a device that its user does not know is refused', async () => {
  const config = await television();
  const codes = await client.initiateDeviceAuthorization(config, { scope: SCOPE });
  const polling = client.pollDeviceAuthorizationGrant(config, codes);
  const refused = assert.rejects(polling, (error) => error.error === 'access_denied');
  const { driver } = await answers(codes.verification_uri_complete, person(undefined, 'deny'));
  assert.deepEqual(driver.pages, ['/device', '/resume']);
  await refused;
});

test('who asks too often is told so, and gets the tokens once the user has agreed', async () => {
  const config = await television();
  const codes = await client.initiateDeviceAuthorization(config, { scope: SCOPE });
  const hasty = () => client.genericGrantRequest(config, 'urn:ietf:params:oauth:grant-type:device_code', {
    device_code: codes.device_code,
  });
  await assert.rejects(hasty, (error) => error.error === 'authorization_pending');
  await assert.rejects(hasty, (error) => error.error === 'slow_down');
  const polling = client.pollDeviceAuthorizationGrant(config, codes);
  await answers(codes.verification_uri_complete, person(undefined));
  assert.equal((await polling).claims().sub, 'alice');
});

test('a box with a secret binds its tokens to a key', async () => {
  const secret = 'secret-of-a-box-for-this-test-only-0123456789';
  const config = await client.discovery(issuer, 'box', secret, client.ClientSecretBasic(secret), {
    execute: [client.allowInsecureRequests],
  });
  const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'));
  const codes = await client.initiateDeviceAuthorization(config, { scope: SCOPE });
  const polling = client.pollDeviceAuthorizationGrant(config, codes, undefined, { DPoP });
  await answers(codes.verification_uri_complete, person(undefined));
  const tokens = await polling;
  assert.equal(tokens.token_type, 'dpop');
  const user = await client.fetchUserInfo(config, tokens.access_token, 'alice', { DPoP });
  assert.equal(user.sub, 'alice');
});

test('an approval and a redemption outlive a server that is killed', async () => {
  const config = await television();
  const codes = await client.initiateDeviceAuthorization(config, { scope: SCOPE });
  await answers(codes.verification_uri_complete, person(undefined));
  await stand.crash();
  const tokens = await client.pollDeviceAuthorizationGrant(config, codes);
  assert.equal(tokens.claims().sub, 'alice');
  await stand.crash();
  const again = client.pollDeviceAuthorizationGrant(config, codes);
  await assert.rejects(again, (error) => error.error === 'invalid_grant');
  const late = client.fetchUserInfo(config, tokens.access_token, 'alice');
  await assert.rejects(late, (error) => error.status === 401);
});
