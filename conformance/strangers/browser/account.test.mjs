// The account page of the login app: a user at a desk and on a phone, who sees both, ends one, and takes access back.

import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';

import { start } from '../stand.mjs';
import { ALICE, PASSWORDS, Person, code, launch } from './browser.mjs';

const PHONE = {
  viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true,
  userAgent: 'Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36',
};

let stand;
let browser;
let people = [];

before(async () => {
  [browser, stand] = await Promise.all([launch(), start()]);
});

after(async () => {
  await browser?.close();
  await stand?.stop();
});

afterEach(async () => {
  const complaints = people.flatMap((person) => person.complaints);
  for (const person of people) await person.leave();
  people = [];
  await stand.forget('alice', 'bob');
  assert.deepEqual(complaints, []);
});

async function arrives(options) {
  const person = await Person.arrive(browser, stand, options);
  people.push(person);
  return person;
}

/** Opens the account page with the password. */
async function opens(person, user) {
  await person.page.goto(`${stand.login}/account`);
  await person.page.fill('#username', user);
  await person.page.fill('#password', PASSWORDS[user]);
  await person.click('#pass-sign-in');
}

const texts = (person, selector) => person.page.locator(selector).allInnerTexts();

/** Nothing has to be scrolled sideways. */
async function fits({ page }) {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.equal(wide, 0, `${page.url()} is ${wide} px too wide`);
}

test('a user sees where they are signed in, and signs the other place out', async () => {
  const [desk, phone] = [await arrives(), await arrives(PHONE)];
  await desk.arriveAtTokens('bob');
  await phone.ask();
  await phone.signIn('bob');
  await phone.hasTokensOf('bob');
  await opens(desk, 'bob');
  const [here, there] = await texts(desk, '#sessions li');
  assert.match(here, /Chrome · Linux[\s\S]*This browser/);
  assert.match(there, /Chrome · Android/);
  assert.doesNotMatch(there, /This browser/);
  await desk.click('#end-others');
  assert.equal(await desk.page.locator('#account-done').innerText(), 'You are signed out everywhere else.');
  assert.equal((await texts(desk, '#sessions li')).length, 1);
  // The desk goes on without a question; the phone has to give the password.
  await desk.ask();
  await desk.hasTokensOf('bob');
  await phone.ask();
  await phone.page.locator('#login-submit').waitFor();
});

test('an application that is removed gets nothing more, and has to ask again', async () => {
  const person = await arrives();
  await person.arriveAtTokens('bob', { scope: ['openid', 'profile', 'offline_access'], prompt: 'consent' });
  await opens(person, 'bob');
  assert.match((await texts(person, '#apps li')).join(), /Demo app/);
  await person.click('#withdraw-0');
  await person.page.locator('#no-apps').waitFor();
  await person.page.goto(`${stand.app}/session`);
  assert.match(await person.press('refresh'), /invalid_grant/);
  await person.ask();
  await person.page.locator('#consent-allow').waitFor();
});

test('a sign-in is begun at an application from its entry, and at nobody else\'s word', async () => {
  const person = await arrives();
  await person.arriveAtTokens('bob');
  await opens(person, 'bob');
  const link = await person.page.locator('#open-0').getAttribute('href');
  assert.equal(link, `${stand.app}/login?iss=${encodeURIComponent(stand.issuer)}`);
  await person.page.goto(`${stand.app}/`);
  await person.context.clearCookies({ name: 'placet-demo' });
  await person.page.goto(`${stand.login}/account`);
  await person.click('#open-0');
  await person.hasTokensOf('bob');
  await person.page.goto(`${stand.app}/login?iss=https%3A%2F%2Fevil.example`);
  await person.isRefused('issuer_unknown');
});

test('who has a second factor gives it, and one sign-in is good for requests, too', async () => {
  const person = await arrives({ ...PHONE, locale: 'de-DE', javaScriptEnabled: false });
  await opens(person, 'alice');
  await fits(person);
  await person.page.fill('#code', code(ALICE));
  await person.click('#pass-code');
  assert.match(await person.page.locator('#sessions').innerText(), /nirgends angemeldet/);
  await fits(person);
  await person.page.goto(`${stand.login}/approve`);
  await person.page.locator('#approve-none').waitFor();
  await person.click('#approve-leave');
  await person.page.goto(`${stand.login}/account`);
  await person.page.locator('#pass-sign-in').waitFor();
});

test('nothing is too wide on a small phone', async () => {
  const person = await arrives({ ...PHONE, locale: 'de-DE', colorScheme: 'dark' });
  await person.arriveAtTokens('bob');
  await opens(person, 'bob');
  assert.match((await texts(person, '#sessions li')).join(), /Dieser Browser/);
  await fits(person);
});
