// Claims of a directory that is a process of its own: told, missing while it is down, and there again.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import * as client from 'openid-client';

import { CLIENT_SECRET, freePorts, start } from '../stand.mjs';
import { Driver, willing } from './driver.mjs';

const SECRET = 'whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=';
const USERS = `
[[user]]
username = "alice"
sub = "alice"

[user.claims]
email = "alice@directory.example"
groups = ["staff", "admins"]
nickname = "Al"
`;
// What the directory owns comes from there and from nowhere else; the login app knows another address of alice.
const ASKED = JSON.stringify({
  id_token: { email: null, groups: null },
  userinfo: { email: null, groups: null, name: null },
});

let folder;
let port;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'placet-directory-'));
  [port] = await freePorts(1);
  writeFileSync(join(folder, 'users.toml'), USERS);
  writeFileSync(join(folder, 'directory.toml'), `[source]\nkind = "users"\npath = "${join(folder, 'users.toml')}"\n`);
});

after(() => rmSync(folder, { recursive: true, force: true }));

/** A server that asks the directory, the directory, and an application. */
async function scene(registration = '') {
  const stand = await start({
    demo: false,
    more: [
      '[[policy]]',
      'name = "directory"',
      'types = ["claims.source"]',
      `url = "http://127.0.0.1:${port}"`,
      'owns = ["email", "groups"]',
      registration,
      '[policy.auth.sign]',
      `secret = "${SECRET}"`,
    ].join('\n'),
  });
  const directory = () =>
    stand.run('placet-directory', port, ['--config', join(folder, 'directory.toml')], {
      PLACET_SECRET: SECRET,
      PORT: String(port),
    });
  const config = await client.discovery(new URL(stand.issuer), 'demo', CLIENT_SECRET, client.ClientSecretBasic(), {
    execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks],
  });
  const callback = `${stand.app}/callback`;
  /** Signs alice in; yields what redeems the code, as often as it is called. */
  const signIn = async () => {
    const verifier = client.randomPKCECodeVerifier();
    const checks = { pkceCodeVerifier: verifier, expectedState: client.randomState(), idTokenExpected: true };
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri: callback,
      scope: 'openid profile email',
      claims: ASKED,
      state: checks.expectedState,
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    });
    const back = await new Driver([callback]).go(url.href, willing('alice', 'wonderland'));
    assert.ok(back.url, `no way back: ${back.status} ${back.html}`);
    return () => client.authorizationCodeGrant(config, back.url, checks);
  };
  return { stand, directory, signIn, userinfo: (tokens) => client.fetchUserInfo(config, tokens.access_token, 'alice') };
}

/** Asks until the answer is good: a directory that failed too often is left alone for a while. */
async function again(ask, good) {
  for (const until = Date.now() + 60_000; ; await sleep(250)) {
    const answer = await ask().catch((error) => error);
    if (good(answer)) return answer;
    if (Date.now() > until) throw new Error(`it does not recover: ${JSON.stringify(answer)}`, { cause: answer });
  }
}

/** The status of the answer that the library did not take. */
async function refused(promise) {
  const error = await promise.then(() => assert.fail('it was answered'), (error) => error);
  return error.status ?? error.cause?.status;
}

test('claims of the directory stand in ID token and UserInfo, and a dead directory costs nobody a code', async () => {
  const { stand, directory, signIn, userinfo } = await scene();
  try {
    const first = await directory();
    const tokens = await (await signIn())();
    assert.equal(tokens.claims().email, 'alice@directory.example');
    assert.deepEqual(tokens.claims().groups, ['staff', 'admins']);
    const user = await userinfo(tokens);
    assert.equal(user.email, 'alice@directory.example');
    assert.deepEqual(user.groups, ['staff', 'admins']);
    assert.equal(user.name, 'Alice Liddell', 'what the directory does not own comes from the login app');
    assert.equal(user.nickname, 'Ali', 'what the directory knows and does not own stays there');

    const redeem = await signIn();
    await first.kill();
    assert.equal(await refused(redeem()), 503, 'nothing is issued while nobody can be asked');
    assert.equal(await refused(userinfo(tokens)), 503);

    await directory();
    // Within the minute that a code lives.
    const late = await again(redeem, (answer) => 'access_token' in answer);
    assert.deepEqual(late.claims().groups, ['staff', 'admins']);
    assert.equal((await userinfo(tokens)).email, 'alice@directory.example');
  } finally {
    await stand.stop();
  }
});

test('a directory that is optional is missed and does not stop anybody', async () => {
  const { stand, directory, signIn, userinfo } = await scene('optional = true');
  try {
    const first = await directory();
    const redeem = await signIn();
    await first.kill();
    const tokens = await redeem();
    assert.equal(tokens.claims().groups, undefined);
    assert.equal(tokens.claims().email, undefined, 'the login app does not stand in for the owner of a claim');
    const user = await userinfo(tokens);
    assert.deepEqual([user.email, user.groups, user.name], [undefined, undefined, 'Alice Liddell']);

    await directory();
    const late = await again(() => userinfo(tokens), (answer) => answer.groups !== undefined);
    assert.deepEqual([late.email, late.groups], ['alice@directory.example', ['staff', 'admins']]);
  } finally {
    await stand.stop();
  }
});
