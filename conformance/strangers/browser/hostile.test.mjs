// What other sites, other browsers and odd habits try with the pages.

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';

import { start } from '../stand.mjs';
import { Person, launch } from './browser.mjs';

let stand;
let browser;
let people;

before(async () => {
  stand = await start();
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await stand?.stop();
});

beforeEach(async () => {
  await stand.forget('alice', 'bob');
  people = [];
});

afterEach(async () => {
  const complaints = people.flatMap((one) => one.complaints);
  for (const one of people) await one.leave();
  assert.deepEqual(complaints, []);
});

async function someone(options) {
  const one = await Person.arrive(browser, stand, options);
  people.push(one);
  return one;
}

test('a violated policy would be noticed by these tests', async () => {
  const person = await someone();
  await person.ask();
  await person.page.evaluate(() => {
    document.body.appendChild(document.createElement('script')).textContent = 'window.ran = true';
  });
  assert.equal(await person.page.evaluate(() => window.ran), undefined);
  const [complaint, ...more] = person.complaints.splice(0);
  assert.match(complaint, /Content Security Policy/);
  assert.deepEqual(more, []);
});

test('every page works without scripts', async () => {
  const person = await someone({ javaScriptEnabled: false });
  await person.ask({ formPost: true });
  await person.signIn('alice', 'looking-glass');
  await person.page.locator('#form-error').waitFor();
  await person.signIn();
  await person.allow();
  // A form that cannot send itself has a button.
  assert.ok(person.page.url().startsWith(`${stand.issuer}/resume`));
  await person.click('button[type=submit]');
  await person.hasTokensOf('alice');
  await person.click('#logout');
  await person.click('#logout-confirm');
  await person.page.locator('#signed-out').waitFor();
});

test('the name can be typed at once, and the return key signs in, it does not cancel', async () => {
  const person = await someone();
  await person.ask();
  await person.page.locator('#username:focus').waitFor();
  await person.page.keyboard.type('alice');
  await person.page.keyboard.press('Tab');
  await person.page.keyboard.type('wonderland');
  await person.page.keyboard.press('Enter');
  await person.page.locator('#consent-allow').waitFor();
});

test('no cookie that lets anybody in can be read by scripts, and none is sent along by other sites', async () => {
  const person = await someone();
  await person.arriveAtTokens();
  const cookies = await person.context.cookies();
  assert.deepEqual(
    [...new Set(cookies.map((cookie) => cookie.name))].sort(),
    ['placet-demo', 'placet-ib', 'placet-login', 'placet-op', 'placet-sso'],
  );
  for (const { name, httpOnly, sameSite } of cookies) {
    // The state of the browser is for the script of `check_session_iframe`, and lets nobody in.
    const hidden = name !== 'placet-op';
    assert.deepEqual({ name, httpOnly, sameSite }, { name, httpOnly: hidden, sameSite: 'Lax' });
  }
});

test('the session ends with the browser, unless the user wants to be kept signed in', async () => {
  const person = await someone();
  const expires = async () => (await person.context.cookies()).find((c) => c.name === 'placet-sso').expires;
  await person.arriveAtTokens();
  assert.equal(await expires(), -1);
  await person.ask({ prompt: 'login' });
  await person.page.check('#remember-me');
  await person.signIn();
  await person.hasTokensOf('alice');
  assert.ok((await expires()) > Date.now() / 1000 + 3600);
});

test('no page lets itself be framed', async () => {
  const person = await someone();
  await person.ask();
  const framed = [person.page.url(), `${stand.issuer}/authorize?client_id=nobody`, `${stand.app}/`];
  const trap = await person.context.newPage();
  for (const address of framed) {
    // From this server's own host, so that nothing but the headers keeps the page out.
    await trap.goto(`${stand.app}/healthz`);
    await trap.evaluate((src) => {
      const frame = document.createElement('iframe');
      frame.src = src;
      const loaded = new Promise((done) => frame.addEventListener('load', done));
      document.body.append(frame);
      return loaded;
    }, address);
    const [, frame] = trap.frames();
    assert.ok(frame.url().startsWith('chrome-error:'), `${address} was framed as ${frame.url()}`);
  }
  const [own, refusals] = [0, 1].map((is) => person.complaints.filter((c) => /frame/i.test(c) === Boolean(is)));
  assert.deepEqual(own, []);
  assert.equal(refusals.length > 0, true);
  person.complaints.length = 0;
});

test('a form of one browser is not accepted from another', async () => {
  const person = await someone();
  await person.ask();
  await person.page.fill('#username', 'alice');
  await person.page.fill('#password', 'wonderland');
  const { action, data } = await person.form('login-submit');
  const other = await someone();
  for (const form of [data, { ...data, csrf: '' }]) {
    const answer = await other.context.request.post(action, { form, maxRedirects: 0 });
    assert.equal(answer.status(), 403);
  }
  // And it was not used up.
  await person.signIn();
  await person.allow();
  await person.hasTokensOf('alice');
});

test('a form that another site makes the browser post is not accepted', async () => {
  const person = await someone();
  await person.ask();
  await person.page.fill('#username', 'alice');
  await person.page.fill('#password', 'wonderland');
  const { action, data } = await person.form('login-submit');
  await person.page.route('http://evil.test/', (route) => {
    const inputs = Object.entries(data).map(([name, value]) => `<input name="${name}" value="${value}">`);
    const body = `<form method="post" action="${action}">${inputs.join('')}<button id="go">Go</button></form>`;
    return route.fulfill({ contentType: 'text/html', body });
  });
  await person.page.goto('http://evil.test/');
  await person.click('#go');
  await person.page.locator('#error-page').waitFor();
  assert.deepEqual(await stand.kept('sessions', 'alice'), []);
});

test('whoever signs out while a consent page is open gets no tokens by it without signing in again', async () => {
  const person = await someone();
  await person.arriveAtTokens();
  await person.ask({ prompt: 'consent' });
  await person.page.locator('#consent-allow').waitFor();
  const second = new Person(person.context, await person.context.newPage(), stand);
  await second.page.goto(`${stand.issuer}/logout`);
  await second.click('#logout-confirm');
  await second.page.locator('#signed-out').waitFor();
  const before = (await stand.kept('authorizations', 'alice')).length;
  await person.allow();
  assert.equal(new URL(person.page.url()).pathname, '/login');
  assert.equal((await stand.kept('authorizations', 'alice')).length, before);
  await person.signIn();
  if (new URL(person.page.url()).pathname === '/consent') await person.allow();
  await person.hasTokensOf('alice');
  assert.deepEqual(second.complaints, []);
});

test('two people who sign in at the same time in two tabs both stay signed in', async () => {
  const person = await someone();
  const second = new Person(person.context, await person.context.newPage(), stand);
  await person.ask();
  // The second tab has an address of its own; the app knows a browser, not a tab.
  await second.page.goto(`${stand.app}/login`);
  await person.signIn('alice');
  await second.signIn('bob');
  await person.allow();
  await person.hasTokensOf('alice');
  await second.allow();
  await second.hasTokensOf('bob');
  assert.equal((await person.cookie('placet-sso')).split('.').length, 2);
  assert.deepEqual(second.complaints, []);
});

test('signing out of this browser ends every account in it, and those of other browsers live on', async () => {
  const elsewhere = await someone();
  await elsewhere.arriveAtTokens('alice');
  const person = await someone();
  await person.ask();
  await person.signIn('alice');
  await person.hasTokensOf('alice');
  await person.ask({ prompt: 'login' });
  await person.signIn('bob');
  await person.allow();
  await person.hasTokensOf('bob');
  await person.click('#logout');
  await person.click('#logout-confirm');
  await person.page.locator('#signed-out').waitFor();
  assert.deepEqual(await stand.kept('sessions', 'bob'), []);
  assert.equal((await stand.kept('sessions', 'alice')).length, 1);
  await person.ask({ prompt: 'none' });
  await person.isRefused('login_required');
  await elsewhere.ask({ prompt: 'none' });
  await elsewhere.hasTokensOf('alice');
});

test('signing out everywhere ends the sessions of other browsers too', async () => {
  const elsewhere = await someone();
  await elsewhere.arriveAtTokens('alice');
  const person = await someone();
  await person.ask();
  await person.signIn('alice');
  await person.hasTokensOf('alice');
  await person.click('#logout');
  await person.page.check('#scope-subject');
  await person.click('#logout-confirm');
  await person.page.locator('#signed-out').waitFor();
  await elsewhere.ask({ prompt: 'none' });
  await elsewhere.isRefused('login_required');
});

test('signing out of one app alone leaves the session for the others', async () => {
  const person = await someone();
  await person.arriveAtTokens('alice', { scope: ['openid', 'profile', 'email', 'offline_access'], prompt: 'consent' });
  await person.click('#logout');
  await person.page.check('#scope-client');
  await person.click('#logout-confirm');
  await person.page.locator('#signed-out').waitFor();
  assert.equal((await stand.kept('sessions', 'alice')).length, 1);
});

test('a logout address that leads elsewhere gets a page of the server', async () => {
  const person = await someone();
  await person.arriveAtTokens();
  const away = encodeURIComponent('http://evil.test/');
  for (const query of [`post_logout_redirect_uri=${away}`, `client_id=demo&post_logout_redirect_uri=${away}`]) {
    await person.page.goto(`${stand.issuer}/logout?${query}`);
    await person.page.locator('#error-page').waitFor();
    assert.ok(person.page.url().startsWith(`${stand.issuer}/logout`));
  }
  assert.equal((await stand.kept('sessions', 'alice')).length, 1);
});

test('what the browser sends in odd places is shown as text', async () => {
  const person = await someone();
  const odd = '"><img src=x onerror=alert(1)><script>alert(2)</script>';
  let dialogs = 0;
  person.page.on('dialog', (dialog) => {
    dialogs += 1;
    dialog.dismiss();
  });
  await person.ask();
  await person.signIn(odd, 'x');
  assert.equal(await person.page.inputValue('#username'), odd);
  const queries = [
    `client_id=${encodeURIComponent(odd)}`,
    `client_id=demo&redirect_uri=${encodeURIComponent(odd)}`,
    `client_id=demo&${encodeURIComponent(odd)}=1&${encodeURIComponent(odd)}=2`,
  ];
  for (const query of queries) {
    await person.page.goto(`${stand.issuer}/authorize?${query}`);
    await person.page.locator('#error-page, #error').waitFor();
    assert.equal(await person.page.locator('img, script').count(), 0);
  }
  const login = new URLSearchParams({
    client_id: 'demo', response_type: 'code', scope: 'openid', redirect_uri: `${stand.app}/callback`,
    login_hint: odd, state: odd, response_mode: 'form_post',
  });
  await person.page.goto(`${stand.issuer}/authorize?${login}`);
  assert.equal(await person.page.inputValue('#username'), odd);
  await person.click('#login-cancel');
  await person.page.waitForURL(`${stand.app}/callback**`);
  assert.equal(dialogs, 0);
});
