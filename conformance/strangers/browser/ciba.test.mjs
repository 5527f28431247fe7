// A user who is asked elsewhere (OpenID CIBA) and answers on a phone, at the page of the login app; the clients are those of
// `openid-client`, in all three modes of delivery.

import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';

import { createRemoteJWKSet, jwtVerify } from 'jose';
import * as client from 'openid-client';

import { NOTIFICATION, startDesk } from '../desk.mjs';
import { PASSWORDS, Person, launch } from './browser.mjs';

const PHONE = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };

let desk;
let browser;
let phone;

before(async () => {
  [browser, desk] = await Promise.all([launch(), startDesk()]);
});

after(async () => {
  await browser?.close();
  await desk?.stop();
});

afterEach(async () => {
  const complaints = phone?.complaints ?? [];
  await phone?.leave();
  phone = undefined;
  await desk.stand.forget('alice');
  assert.deepEqual(complaints, []);
});

/** Asks for alice; the other mode than poll needs a token for the notification. */
async function asks(mode, message, scope = 'openid email') {
  const config = await desk.discover(mode);
  const asked = await client.initiateBackchannelAuthentication(config, {
    scope, login_hint: 'alice@directory.example', binding_message: message,
    ...(mode !== 'desk' && { client_notification_token: NOTIFICATION }),
  });
  return { config, asked };
}

/** Alice opens the page on her phone and sees who asks, with the message that the caller told her. */
async function opens(message, options = {}) {
  phone = await Person.arrive(browser, desk.stand, { ...PHONE, ...options });
  await phone.page.goto(`${desk.stand.login}/approve`);
  await phone.page.fill('#username', 'alice');
  await phone.page.fill('#password', PASSWORDS.alice);
  await phone.click('#pass-sign-in');
  assert.equal(await phone.page.locator('#binding-0').innerText(), message);
  assert.match(await phone.page.locator('main').innerText(), /Acme Phone Desk/);
}

async function allows() {
  await phone.click('#review-0');
  await phone.click('#consent-allow');
  await phone.page.locator('#done-page').waitFor();
}

/** The server called with the token that the client gave it. */
async function isCalled(count, asked) {
  const { authorization, body } = await desk.called(count);
  assert.equal(authorization, `Bearer ${NOTIFICATION}`);
  assert.equal(body.auth_req_id, asked.auth_req_id);
  return body;
}

test('a user allows on the phone, and the client that polls has tokens', async () => {
  const { config, asked } = await asks('desk', 'W4SCT');
  const polling = client.pollBackchannelAuthenticationGrant(config, asked);
  await opens('W4SCT');
  await allows();
  const tokens = await polling;
  assert.equal(tokens.claims().sub, 'alice');
  assert.equal((await client.fetchUserInfo(config, tokens.access_token, 'alice')).email, 'alice@example.com');
  // Nothing waits any more.
  await phone.page.goto(`${desk.stand.login}/approve`);
  await phone.page.locator('#approve-none').waitFor();
});

test('a user denies on the phone, and the client that polls learns it', async () => {
  const { config, asked } = await asks('desk', 'NO-POLL');
  const refused = assert.rejects(client.pollBackchannelAuthenticationGrant(config, asked), { error: 'access_denied' });
  await opens('NO-POLL');
  await phone.click('#deny-0');
  await phone.page.locator('#approve-none').waitFor();
  await refused;
});

test('a client is pinged when the user has answered, yes or no', async () => {
  const count = desk.calls.length;
  const { config, asked } = await asks('bell', 'PING-1');
  await opens('PING-1', { javaScriptEnabled: false });
  await allows();
  await isCalled(count + 1, asked);
  const tokens = await client.pollBackchannelAuthenticationGrant(config, { ...asked, interval: 0.01 });
  assert.equal(tokens.claims().sub, 'alice');
  const no = await asks('bell', 'PING-2');
  await phone.page.goto(`${desk.stand.login}/approve`);
  await phone.click('#deny-0');
  await isCalled(count + 2, no.asked);
  const asking = client.pollBackchannelAuthenticationGrant(config, { ...no.asked, interval: 0.01 });
  await assert.rejects(asking, { error: 'access_denied' });
});

test('a client is sent the tokens when the user has allowed, and the refusal when not', async () => {
  const count = desk.calls.length;
  const { config, asked } = await asks('letter', 'PUSH-1');
  await opens('PUSH-1');
  await allows();
  const body = await isCalled(count + 1, asked);
  const { issuer, jwks_uri: keys } = config.serverMetadata();
  const { payload } = await jwtVerify(body.id_token, createRemoteJWKSet(new URL(keys)), { issuer, audience: 'letter' });
  assert.equal(payload.sub, 'alice');
  assert.equal(payload['urn:openid:params:jwt:claim:auth_req_id'], asked.auth_req_id);
  assert.equal((await client.fetchUserInfo(config, body.access_token, 'alice')).sub, 'alice');
  const no = await asks('letter', 'PUSH-2');
  await phone.page.goto(`${desk.stand.login}/approve`);
  await phone.click('#deny-0');
  const refused = await isCalled(count + 2, no.asked);
  assert.equal(refused.error, 'access_denied');
  assert.equal(refused.access_token, undefined);
});
