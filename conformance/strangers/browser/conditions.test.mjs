// The same sign-ins where something is different: host names, and a user who takes too long.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { start } from '../stand.mjs';
import { Person, launch } from './browser.mjs';

let browser;

before(async () => {
  browser = await launch();
});

after(async () => {
  await browser?.close();
});

test('the login app works on a host of its own, without a cookie of the server', async () => {
  // The app is on yet another site: cookies that are not SameSite=None travel with top-level navigation alone.
  const stand = await start({ loginHost: 'login.test', appHost: '127.0.0.1' });
  try {
    const person = await Person.arrive(browser, stand);
    const sent = { login: [], server: [] };
    person.page.on('request', async (request) => {
      const to = request.url().startsWith(stand.login) ? sent.login : sent.server;
      if (request.url().startsWith(stand.app)) return;
      to.push(request.allHeaders().then((headers) => headers.cookie ?? '', () => ''));
    });
    await person.arriveAtTokens('alice');
    await person.ask({ formPost: true });
    await person.hasTokensOf('alice');
    await person.ask({ prompt: 'login', formPost: true });
    await person.signIn('alice');
    await person.hasTokensOf('alice');
    await person.click('#logout');
    await person.click('#logout-confirm');
    await person.page.locator('#signed-out').waitFor();
    await person.ask({ prompt: 'none' });
    await person.isRefused('login_required');

    const toLogin = await Promise.all(sent.login);
    assert.ok(toLogin.length > 5);
    assert.deepEqual(toLogin.filter((line) => /placet-(sso|ib)/.test(line)), []);
    const toServer = await Promise.all(sent.server);
    assert.deepEqual(toServer.filter((line) => /placet-login=/.test(line)), []);
    const names = (await person.context.cookies(stand.login)).map((cookie) => cookie.name);
    assert.deepEqual(names, ['placet-login']);
    assert.deepEqual(person.complaints, []);
    await person.leave();
  } finally {
    await stand.stop();
  }
});

test('who takes too long is told so in plain words, also after a reload, and can begin again at the app', async () => {
  const stand = await start({ lifetimes: { interaction_idle: 2 } });
  try {
    const person = await Person.arrive(browser, stand);
    const { page } = person;
    await person.ask();
    await page.locator('#login-submit').waitFor();
    await page.waitForTimeout(3500);
    await person.signIn('alice');
    await page.locator('#error-page').waitFor();
    assert.ok(page.url().startsWith(stand.login));
    const title = await page.locator('#error-page h1').textContent();
    assert.doesNotMatch(await page.locator('#error-page').textContent(), /undefined|null|stack|410/);
    await page.goBack();
    await page.reload();
    assert.equal(await page.locator('#error-page h1').textContent(), title);
    assert.deepEqual(await stand.kept('sessions', 'alice'), []);
    await person.ask();
    await page.locator('#login-submit').waitFor();
    assert.deepEqual(person.complaints, []);
    await person.leave();
  } finally {
    await stand.stop();
  }
});
