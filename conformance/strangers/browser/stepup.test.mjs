// Stepping up with the login app and the demo app: the API wants more, and the user is asked for what is missing.

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';

import { start } from '../stand.mjs';
import { ALICE, PASSWORDS, Person, code, launch } from './browser.mjs';

let stand;
let browser;
let person;

before(async () => {
  browser = await launch();
});

after(() => browser?.close());

// A code is good once, so that each test has users of its own.
beforeEach(async () => {
  stand = await start();
  person = await Person.arrive(browser, stand);
});

afterEach(async () => {
  const { complaints } = person;
  await person.leave();
  await stand.stop();
  assert.deepEqual(complaints, []);
});

async function transfer() {
  await person.page.goto(`${stand.app}/transfer`);
  await person.page.fill('#to', 'White Rabbit');
  await person.click('#transfer');
}

async function typeCode(value, button = '#totp-submit') {
  await person.page.fill('#code', value);
  await person.click(button);
}

async function isTransferred() {
  assert.equal(new URL(person.page.url()).pathname, '/transfer');
  const answers = await person.page.locator('#answers').textContent();
  assert.match(answers, /insufficient_user_authentication.*acr_values="urn:placet:acr:mfa".*Done: 200.*White Rabbit/s);
  assert.equal(await person.page.locator('#acr').textContent(), 'urn:placet:acr:mfa');
}

test('a user with a session is asked for the second factor alone, and comes back to a finished transfer', async () => {
  await person.arriveAtTokens('alice');
  person.shownBy(stand.login);
  await transfer();
  assert.equal(await person.page.locator('#password').count(), 0);
  assert.match(await person.page.locator('main').textContent(), /Alice Liddell/);
  await typeCode(code(ALICE, 5));
  assert.match(await person.page.locator('#form-error').textContent(), /not right/);
  await typeCode(code(ALICE));
  await isTransferred();
  assert.deepEqual([...new Set(person.shownBy(stand.login))], ['/totp']);
  // It holds: the next transfer shows no page, and the app sees the class in its ID token, too.
  await transfer();
  assert.deepEqual(person.shownBy(stand.login), []);
  await person.page.goto(`${stand.app}/session`);
  const claims = await person.page.locator('#claims').textContent();
  assert.match(claims, /"acr": "urn:placet:acr:mfa"/);
  assert.match(claims, /"otp"/);
});

test('a code that was used is refused, and the next one taken', async () => {
  await person.arriveAtTokens('alice');
  await transfer();
  const first = code(ALICE);
  await typeCode(first);
  await isTransferred();
  const other = await Person.arrive(browser, stand);
  const mine = person;
  person = other;
  await person.ask();
  await person.signIn('alice');
  await person.hasTokensOf('alice');
  await transfer();
  await typeCode(first);
  assert.match(await person.page.locator('#form-error').textContent(), /used before/);
  await typeCode(code(ALICE, 1));
  await isTransferred();
  await mine.leave();
});

test('a user without a second factor sets one up with the password', async () => {
  await person.arriveAtTokens('bob');
  await transfer();
  await person.page.fill('#password', PASSWORDS.bob);
  await person.click('#login-submit');
  const qr = await person.page.locator('#totp-qr').boundingBox();
  assert.ok(qr.width > 150 && Math.abs(qr.width - qr.height) < 1, JSON.stringify(qr));
  const secret = (await person.page.locator('#totp-secret').textContent()).replaceAll(' ', '');
  await typeCode(code(secret), '#setup-submit');
  await isTransferred();
});

test('a user who does not want to comes back as access_denied, and stays signed in as before', async () => {
  await person.arriveAtTokens('alice');
  await transfer();
  await person.click('#totp-cancel');
  await person.isRefused('access_denied');
  await person.page.goto(`${stand.app}/session`);
  await person.hasTokensOf('alice');
});

test('all of it works without JavaScript, also where the first sign-in is the strong one', async () => {
  await person.leave();
  person = await Person.arrive(browser, stand, { javaScriptEnabled: false });
  await person.page.goto(`${stand.app}/login?scope=openid&acr_values=urn:placet:acr:mfa`);
  await person.signIn('alice');
  await typeCode(code(ALICE));
  await person.allow();
  await person.hasTokensOf('alice');
  person.shownBy(stand.login);
  await person.page.goto(`${stand.app}/transfer`);
  await person.click('#transfer');
  assert.match(await person.page.locator('#answers').textContent(), /Done: 200/);
  assert.deepEqual(person.shownBy(stand.login), []);
});
