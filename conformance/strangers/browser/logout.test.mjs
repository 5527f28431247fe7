// One browser, three applications, one logout.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { start } from '../stand.mjs';
import { Person, launch } from './browser.mjs';
import { Party } from './parties.mjs';

let browser;
let stand;
let parties;

before(async () => {
  [browser, stand] = await Promise.all([launch(), start({ demo: false })]);
  parties = {};
  for (const kind of ['front', 'back', 'watch']) parties[kind] = await Party.start(kind, stand.issuer);
});

after(async () => {
  await browser?.close();
  for (const party of Object.values(parties ?? {})) await party.close();
  await stand?.stop();
});

async function until(what, is) {
  for (const end = Date.now() + 20_000; Date.now() < end; await sleep(50)) if (await is()) return;
  assert.fail(`${what}: not within 20 s\n${stand.output('placet')}`);
}

/** Signs in to all three with one browser; the password is asked once. */
async function everywhere(person) {
  const { page } = person;
  for (const [n, party] of Object.values(parties).entries()) {
    await page.goto(`${party.base}/login`);
    if (n === 0) await person.signIn('alice');
    // Remembered, from the second time on.
    if (await page.locator('#consent-allow').count()) await person.allow();
    await page.waitForURL(`${party.base}/`);
    assert.notEqual(await page.textContent('#who'), 'nobody');
  }
}

async function leave(person, party) {
  const { page } = person;
  await page.goto(`${party.base}/leave`);
  await page.click('#logout-confirm');
  await page.waitForURL(`${party.base}/bye?state=see-you`);
  assert.equal(await page.textContent('#state'), 'see-you');
}

test('one logout reaches the frame, the back channel and who watches', async () => {
  const person = await Person.arrive(browser, stand);
  await everywhere(person);
  const watching = await person.context.newPage();
  await watching.goto(`${parties.watch.base}/`);
  await watching.waitForFunction(() => document.getElementById('seen').textContent === 'unchanged');
  await leave(person, parties.front);
  assert.equal(parties.front.sessions.size, 0, 'the frame was loaded before the browser came back');
  await until('the logout token', () => parties.back.tokens.length === 1);
  assert.equal(parties.back.sessions.size, 0);
  await watching.waitForFunction(() => document.getElementById('seen').textContent === 'changed');
  for (const party of [parties.front, parties.back]) {
    await person.page.goto(`${party.base}/`);
    assert.equal(await person.page.textContent('#who'), 'nobody');
  }
  assert.deepEqual(person.complaints, []);
  await person.context.close();
});

test('a server that is killed after it said yes tells the application when it is back', async () => {
  const { back, front } = parties;
  back.tokens.length = 0;
  const person = await Person.arrive(browser, stand);
  await everywhere(person);
  await back.close();
  await leave(person, front);
  await stand.killed('placet');
  assert.equal(back.sessions.size, 1);
  await back.open(back.port);
  await stand.again('placet');
  await until('the logout token', () => back.tokens.length > 0);
  assert.equal(back.sessions.size, 0);
  await person.context.close();
});
