// A user who is asked elsewhere (OpenID CIBA), as the `openid-client` library does it: the directory knows who is meant, the
// user answers through the interaction API, the library polls.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import * as client from 'openid-client';

import { NOTIFICATION, startDesk } from '../desk.mjs';
import { UI_TOKEN } from '../stand.mjs';

let desk;
let stand;

before(async () => {
  desk = await startDesk();
  ({ stand } = desk);
});

after(() => desk?.stop());

async function api(method, path, body) {
  const response = await fetch(`${stand.api}${path}`, {
    method,
    headers: { authorization: `Bearer ${UI_TOKEN}`, 'content-type': 'application/json' },
    body: body && JSON.stringify(body),
  });
  assert.equal(response.status, 200, await response.clone().text());
  return response.json();
}

/** The user answers the request with this message. */
async function answer(message, allow) {
  const { items } = await api('GET', '/interactions?kind=ciba&sub=alice&state=open');
  let prompt = items.find((item) => item.ciba.binding_message === message);
  assert.ok(prompt, `nothing waits with ${message}`);
  while (prompt.type !== 'response') {
    const body = !allow ? { type: 'deny' }
      : prompt.type === 'auth' ? { type: 'auth', sub: 'alice', amr: ['pwd'] }
        : { type: 'consent', accept_all: true };
    prompt = await api('PUT', `/interactions/${prompt.id}/steps/${prompt.step}`, body);
  }
  return prompt.response;
}

test('a user says yes elsewhere, and the library gets tokens by polling', async () => {
  const config = await desk.discover('desk');
  assert.deepEqual(config.serverMetadata().backchannel_token_delivery_modes_supported, ['poll', 'ping', 'push']);
  const asked = await client.initiateBackchannelAuthentication(config, {
    scope: 'openid email', login_hint: 'alice@directory.example', binding_message: 'W4SCT',
  });
  const polling = client.pollBackchannelAuthenticationGrant(config, asked);
  await sleep(1_200);
  const { delivery } = await answer('W4SCT', true);
  assert.equal(delivery.method, 'none');
  const tokens = await polling;
  assert.equal(tokens.claims().sub, 'alice');
  const info = await client.fetchUserInfo(config, tokens.access_token, 'alice');
  assert.equal(info.sub, 'alice');
});

test('a user says no elsewhere, and the library learns it', async () => {
  const config = await desk.discover('desk');
  const asked = await client.initiateBackchannelAuthentication(config, {
    scope: 'openid', login_hint: 'alice', binding_message: 'NO-1',
  });
  await answer('NO-1', false);
  await assert.rejects(client.pollBackchannelAuthenticationGrant(config, asked), { error: 'access_denied' });
});

test('nobody is meant by a hint that the directory does not know', async () => {
  const config = await desk.discover('desk');
  await assert.rejects(
    client.initiateBackchannelAuthentication(config, { scope: 'openid', login_hint: 'nobody' }),
    { error: 'unknown_user_id' },
  );
});

test('a ping says when to ask', async () => {
  const config = await desk.discover('bell');
  const before = desk.calls.length;
  const asked = await client.initiateBackchannelAuthentication(config, {
    scope: 'openid', login_hint: 'alice', binding_message: 'PING-1', client_notification_token: NOTIFICATION,
  });
  await answer('PING-1', true);
  const { authorization, body } = await desk.called(before + 1);
  assert.equal(authorization, `Bearer ${NOTIFICATION}`);
  assert.deepEqual(body, { auth_req_id: asked.auth_req_id });
  const tokens = await client.pollBackchannelAuthenticationGrant(config, { ...asked, interval: 0.01 });
  assert.equal(tokens.claims().sub, 'alice');
});

test('tokens are pushed, and the ID token holds them together', async () => {
  const config = await desk.discover('letter');
  const before = desk.calls.length;
  const asked = await client.initiateBackchannelAuthentication(config, {
    scope: 'openid offline_access', login_hint: 'alice', binding_message: 'PUSH-1',
    client_notification_token: NOTIFICATION,
  });
  await answer('PUSH-1', true);
  const { authorization, body } = await desk.called(before + 1);
  assert.equal(authorization, `Bearer ${NOTIFICATION}`);
  assert.equal(body.auth_req_id, asked.auth_req_id);
  const claims = JSON.parse(Buffer.from(body.id_token.split('.')[1], 'base64url').toString());
  assert.equal(claims['urn:openid:params:jwt:claim:auth_req_id'], asked.auth_req_id);
  assert.ok(claims['urn:openid:params:jwt:claim:rt_hash']);
  const info = await client.fetchUserInfo(config, body.access_token, 'alice');
  assert.equal(info.sub, 'alice');
  const again = await client.refreshTokenGrant(config, body.refresh_token);
  assert.ok(again.access_token);
});
