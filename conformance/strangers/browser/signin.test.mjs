// Signing in with the login app and the demo app, as a person at a browser does.

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';

import { start } from '../stand.mjs';
import { Person, launch } from './browser.mjs';

let stand;
let browser;
let person;
let others;

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
  others = [];
  person = await Person.arrive(browser, stand);
});

// Whatever a test looks at: no page may run into its own content security policy, or fail at a script.
afterEach(async () => {
  const people = [person, ...others];
  const complaints = people.flatMap((one) => one.complaints);
  for (const one of people) await one.leave();
  assert.deepEqual(complaints, []);
});

async function another() {
  const one = await Person.arrive(browser, stand);
  others.push(one);
  return one;
}

test('signing in and consenting ends at tokens that the app accepts', async () => {
  await person.ask();
  assert.match(await person.page.locator('main').textContent(), /Demo app/);
  await person.signIn('alice');
  assert.match(await person.page.locator('main').textContent(), /Alice Liddell/);
  await person.allow();
  await person.hasTokensOf('alice');
  assert.match(await person.page.locator('#scope').textContent(), /openid.*profile.*email/);
  assert.match(await person.press('userinfo'), /Alice Liddell/);
});

test('a user who denies consent comes back to the app as access_denied', async () => {
  await person.ask();
  await person.signIn();
  await person.click('#consent-deny');
  await person.isRefused('access_denied');
  assert.deepEqual(await stand.kept('authorizations', 'alice'), []);
});

test('a user who does not want to sign in comes back to the app as access_denied', async () => {
  await person.ask();
  await person.click('#login-cancel');
  await person.isRefused('access_denied');
});

test('scope that the user unticks is not granted', async () => {
  await person.ask({ scope: ['openid', 'profile', 'email'] });
  await person.signIn();
  const email = person.page.locator('label.grant', { hasText: /email/i }).locator('input');
  await email.first().uncheck();
  await person.allow();
  await person.hasTokensOf('alice');
  const scope = await person.page.locator('#scope').textContent();
  assert.match(scope, /profile/);
  assert.doesNotMatch(scope, /email/);
});

test('with a session and a remembered consent the second sign-in shows no page at all', async () => {
  await person.arriveAtTokens();
  person.shownBy(stand.login);
  await person.ask();
  await person.hasTokensOf('alice');
  assert.deepEqual(person.shownBy(stand.login), []);
});

test('with a session and no remembered consent the second sign-in asks for consent alone', async () => {
  await person.ask();
  await person.signIn();
  await person.allow({ remember: false });
  await person.hasTokensOf('alice');
  person.shownBy(stand.login);
  await person.ask();
  await person.allow();
  await person.hasTokensOf('alice');
  assert.deepEqual(person.shownBy(stand.login), ['/consent']);
});

test('prompt=none without a session is answered login_required, and shows no page', async () => {
  await person.ask({ prompt: 'none' });
  await person.isRefused('login_required');
  assert.deepEqual(person.shownBy(stand.login), []);
});

test('prompt=none with a session and a remembered consent succeeds silently', async () => {
  await person.arriveAtTokens();
  person.shownBy(stand.login);
  await person.ask({ prompt: 'none' });
  await person.hasTokensOf('alice');
  assert.deepEqual(person.shownBy(stand.login), []);
});

test('prompt=none for more than the user agreed to is answered consent_required', async () => {
  await person.arriveAtTokens();
  await person.ask({ prompt: 'none', scope: ['openid', 'profile', 'email', 'phone'] });
  await person.isRefused('consent_required');
});

test('prompt=login asks for the password again', async () => {
  await person.arriveAtTokens();
  person.shownBy(stand.login);
  await person.ask({ prompt: 'login' });
  assert.equal(new URL(person.page.url()).pathname, '/login');
  await person.signIn();
  await person.hasTokensOf('alice');
  assert.equal((await stand.kept('sessions', 'alice')).length, 1);
});

test('max_age is met by the session while it is young, and by a password after that', async () => {
  await person.arriveAtTokens();
  await person.ask({ maxAge: 600 });
  await person.hasTokensOf('alice');
  await person.page.waitForTimeout(2100);
  await person.ask({ maxAge: 1 });
  await person.signIn();
  await person.hasTokensOf('alice');
});

test('prompt=consent with offline_access gives a refresh token, and all endpoints take the tokens', async () => {
  const scope = ['openid', 'profile', 'email', 'offline_access'];
  await person.arriveAtTokens();
  await person.ask({ prompt: 'consent', scope });
  assert.equal(new URL(person.page.url()).pathname, '/consent');
  await person.allow();
  await person.hasTokensOf('alice');
  assert.equal(await person.page.locator('#refresh-token').textContent(), 'present');

  const access = () => person.page.locator('#access-token').textContent();
  const first = await access();
  assert.match(await person.press('refresh'), /new/);
  assert.notEqual(await access(), first);
  await person.hasTokensOf('alice');
  assert.match(await person.press('userinfo'), /alice@example\.com/);
  assert.match(await person.press('introspect'), /"active":\s*true/);
  assert.match(await person.press('revoke'), /accepted/);
  assert.match(await person.press('introspect'), /"active":\s*false/);
  assert.match(await person.press('userinfo'), /invalid_token/);
  // The refresh token still works, until it is revoked.
  assert.match(await person.press('refresh'), /new/);
  assert.match(await person.press('introspect'), /"active":\s*true/);
  assert.match(await person.press('revoke-refresh'), /accepted/);
  assert.match(await person.press('refresh'), /invalid_grant/);
  assert.match(await person.press('introspect'), /"active":\s*false/);
});

test('response_mode=form_post brings the answer to the app by a posted form', async () => {
  const posts = [];
  person.page.on('request', (request) => {
    if (request.method() === 'POST' && request.url() === `${stand.app}/callback`) posts.push(request.postData());
  });
  await person.arriveAtTokens('alice', { formPost: true });
  assert.equal(posts.length, 1);
  assert.match(posts[0], /code=/);
  // And again without any page of the login app, from the server itself.
  await person.ask({ formPost: true });
  await person.hasTokensOf('alice');
  assert.equal(posts.length, 2);
});

test('an error travels by form_post too', async () => {
  await person.ask({ formPost: true, prompt: 'none' });
  await person.isRefused('login_required');
});

test('a wrong password shows an error, and the right one works after it', async () => {
  await person.ask();
  await person.signIn('alice', 'looking-glass');
  assert.equal(await person.page.locator('#form-error').isVisible(), true);
  assert.equal(await person.page.inputValue('#password'), '');
  await person.signIn('alice');
  await person.allow();
  await person.hasTokensOf('alice');
});

test('a user who is not known here gets the same error as one with a wrong password', async () => {
  await person.ask();
  await person.signIn('alice', 'looking-glass');
  const wrong = await person.page.locator('#form-error').textContent();
  await person.signIn('nobody', 'looking-glass');
  assert.equal(await person.page.locator('#form-error').textContent(), wrong);
});

test('a new user signs up on the way to the app', async () => {
  await person.ask({ prompt: 'create' });
  const { page } = person;
  await page.fill('#name', 'Carol Danvers');
  await page.fill('#email', 'carol@example.com');
  await page.fill('#username', 'carol');
  await page.fill('#password', 'higher further faster');
  await page.fill('#password-again', 'higher further faster');
  await person.click('#signup-submit');
  await person.allow();
  await page.waitForURL(`${stand.app}/session**`);
  assert.match(await person.press('userinfo'), /Carol Danvers/);
});

test('the back button after consent neither breaks a page nor the tokens', async () => {
  await person.arriveAtTokens('alice', { scope: ['openid', 'profile', 'offline_access'], prompt: 'consent' });
  for (let i = 0; i < 3; i += 1) {
    await person.page.goBack();
  }
  await person.page.goto(`${stand.app}/session`);
  await person.hasTokensOf('alice');
  assert.match(await person.press('introspect'), /"active":\s*true/);
  assert.match(await person.press('refresh'), /new/);
  assert.equal((await stand.kept('authorizations', 'alice')).length, 1);
});

test('the back button from the consent page leads to consent again', async () => {
  await person.ask();
  await person.signIn();
  await person.page.goBack();
  await person.page.waitForURL('**/consent?**');
  await person.allow();
  await person.hasTokensOf('alice');
});

test('double clicks on the buttons sign in once and consent once', async () => {
  await person.ask();
  await person.page.fill('#username', 'alice');
  await person.page.fill('#password', 'wonderland');
  await person.page.dblclick('#login-submit', { noWaitAfter: true });
  await person.page.locator('#consent-allow').waitFor();
  await person.page.dblclick('#consent-allow', { noWaitAfter: true });
  await person.hasTokensOf('alice');
  assert.equal((await stand.kept('authorizations', 'alice')).length, 1);
  assert.equal((await stand.kept('sessions', 'alice')).length, 1);
});

test('the same form sent twice at once has one outcome', async () => {
  const twice = async (button) => {
    const { action, data } = await person.form(button);
    const send = () => person.context.request.post(action, { form: data, maxRedirects: 0 });
    const answers = await Promise.all([send(), send()]);
    assert.deepEqual(answers.map((a) => a.status()), [303, 303]);
    const [one, two] = answers.map((a) => new URL(a.headers().location, action));
    return [one, two];
  };
  await person.ask();
  await person.page.fill('#username', 'alice');
  await person.page.fill('#password', 'wonderland');
  const [one, two] = await twice('login-submit');
  assert.equal(one.href, two.href);
  await person.page.goto(one.href);
  const ends = await twice('consent-allow');
  // Both ways back lead to the app with the same code; the app takes it once.
  const follow = (url) => person.context.request.get(url.href, { maxRedirects: 0 });
  const back = await Promise.all(ends.map(follow));
  assert.deepEqual(back.map((a) => a.status()), [303, 303]);
  assert.equal(back[0].headers().location, back[1].headers().location);
  await person.page.goto(back[0].headers().location);
  await person.hasTokensOf('alice');
  assert.equal((await stand.kept('authorizations', 'alice')).length, 1);
  assert.equal((await stand.kept('sessions', 'alice')).length, 1);
});

test('two tabs of one browser finish their sign-ins independently', async () => {
  await person.ask();
  const second = new Person(person.context, await person.context.newPage(), stand);
  await second.page.goto(`${stand.app}/login`);
  await person.signIn();
  await person.allow();
  await person.hasTokensOf('alice');
  await second.signIn();
  await second.page.waitForURL(/consent|session/);
  if (second.page.url().includes('/consent')) await second.allow();
  await second.hasTokensOf('alice');
  assert.deepEqual(second.complaints, []);
});

test('signing out at the app asks, ends the session, and prompt=none then gives login_required', async () => {
  await person.arriveAtTokens();
  await person.click('#logout');
  await person.page.locator('#logout-confirm').waitFor();
  assert.equal((await stand.kept('sessions', 'alice')).length, 1);
  await person.click('#logout-confirm');
  await person.page.locator('#signed-out').waitFor();
  assert.ok(person.page.url().startsWith(`${stand.app}/`));
  assert.deepEqual(await stand.kept('sessions', 'alice'), []);
  await person.ask({ prompt: 'none' });
  await person.isRefused('login_required');
});

test('a user who stays signed in is signed in', async () => {
  await person.arriveAtTokens();
  await person.click('#logout');
  await person.click('#logout-cancel');
  assert.equal((await stand.kept('sessions', 'alice')).length, 1);
  await person.ask({ prompt: 'none' });
  await person.hasTokensOf('alice');
});

test('signing out without an app ends at a page of the server', async () => {
  await person.arriveAtTokens();
  await person.page.goto(`${stand.issuer}/logout`);
  await person.click('#logout-confirm');
  await person.page.locator('#signed-out').waitFor();
  assert.deepEqual(await stand.kept('sessions', 'alice'), []);
});

test('a redirect URI that is not registered gets a page of the server, and the browser stays there', async () => {
  for (const redirect of ['http://127.0.0.1:9/callback', `${stand.app}/callback/`, `${stand.app}/callback?x=1`]) {
    const params = new URLSearchParams({
      client_id: 'demo', response_type: 'code', scope: 'openid', state: 's', redirect_uri: redirect,
    });
    await person.page.goto(`${stand.issuer}/authorize?${params}`);
    await person.page.locator('#error-page').waitFor();
    assert.ok(person.page.url().startsWith(`${stand.issuer}/authorize`), redirect);
  }
});

test('every program brings the icon of its pages, so that browsers need not look for one', async () => {
  for (const address of [`${stand.app}/`, `${stand.app}/login`, `${stand.issuer}/logout`]) {
    await person.page.goto(address);
    assert.equal(await person.page.locator('link[rel=icon]').count(), 1, address);
  }
});

test('an unknown client gets a page of the server', async () => {
  const params = new URLSearchParams({
    client_id: 'nobody', response_type: 'code', scope: 'openid', redirect_uri: `${stand.app}/callback`,
  });
  await person.page.goto(`${stand.issuer}/authorize?${params}`);
  await person.page.locator('#error-page').waitFor();
  assert.ok(person.page.url().startsWith(`${stand.issuer}/authorize`));
});

test('with two accounts the chooser lets the user be either', async () => {
  await person.arriveAtTokens('alice');
  await person.ask({ prompt: 'select_account' });
  await person.page.locator('#account-0').waitFor();
  await person.click('#other-account');
  await person.signIn('bob');
  await person.allow();
  await person.hasTokensOf('bob');
  for (const [user, name] of [['alice', 'Alice Liddell'], ['bob', 'Bob Baumann']]) {
    await person.ask({ prompt: 'select_account' });
    await person.page.locator('#account-1').waitFor();
    assert.equal(await person.page.locator('#account-2').count(), 0);
    await person.page.locator('button.account', { hasText: name }).click();
    await person.hasTokensOf(user);
  }
  assert.equal((await stand.kept('sessions', 'alice')).length, 1);
  assert.equal((await stand.kept('sessions', 'bob')).length, 1);
});

test('ui_locales=de shows German pages', async () => {
  await person.ask({ uiLocales: 'de' });
  const language = () => person.page.locator('html').getAttribute('lang');
  assert.equal(await language(), 'de');
  assert.equal((await person.page.locator('h1').textContent()).trim(), 'Anmelden');
  await person.signIn();
  assert.equal(await language(), 'de');
  assert.match(await person.page.locator('#consent-allow').textContent(), /Erlauben|Zulassen|Zustimmen/);
  await person.allow();
  await person.hasTokensOf('alice');
});

test('the session cookie changes at a sign-in, and the value from before it is worth nothing', async () => {
  const planted = 'A'.repeat(43);
  await person.context.addCookies([{ name: 'placet-sso', value: planted, url: stand.issuer }]);
  await person.arriveAtTokens();
  const first = await person.cookie('placet-sso');
  assert.notEqual(first.split('.')[0], planted);

  await person.ask({ prompt: 'login' });
  await person.signIn();
  await person.hasTokensOf('alice');
  const second = await person.cookie('placet-sso');
  assert.notEqual(second, first);

  for (const value of [planted, first]) {
    const thief = await another();
    await thief.context.addCookies([{ name: 'placet-sso', value, url: stand.issuer }]);
    await thief.ask({ prompt: 'none' });
    await thief.isRefused('login_required');
  }
});

test('after signing out nothing is left in the session cookie, not even a handle that was dead before', async () => {
  await person.context.addCookies([{ name: 'placet-sso', value: 'A'.repeat(43), url: stand.issuer }]);
  await person.arriveAtTokens();
  await person.click('#logout');
  await person.click('#logout-confirm');
  await person.page.locator('#signed-out').waitFor();
  assert.equal(await person.cookie('placet-sso'), undefined);
});

test('a sign-in that another browser began ends at a page of the server, and nothing of it is kept', async () => {
  await person.ask();
  const lure = person.page.url();
  const victim = await another();
  await victim.page.goto(lure);
  await victim.signIn('bob');
  await victim.allow();
  await victim.page.locator('#error-page').waitFor();
  assert.ok(victim.page.url().startsWith(`${stand.issuer}/resume`));
  for (const what of ['authorizations', 'sessions', 'consents']) {
    assert.deepEqual(await stand.kept(what, 'bob'), [], what);
  }
  assert.equal(await victim.cookie('placet-sso'), undefined);
  // Nor does whoever began it get anything.
  await person.page.goto(lure);
  await person.page.locator('#error-page').waitFor();
  await person.page.goto(victim.page.url());
  await person.page.locator('#error-page').waitFor();
  assert.deepEqual(await stand.kept('authorizations', 'bob'), []);
});

test('a victim who is signed in here is not lured either', async () => {
  const victim = await another();
  await victim.arriveAtTokens('bob');
  const before = await stand.kept('authorizations', 'bob');
  await person.ask({ prompt: 'login' });
  await victim.page.goto(person.page.url());
  await victim.signIn('bob');
  if (await victim.page.locator('#consent-allow').count()) await victim.allow();
  await victim.page.locator('#error-page').waitFor();
  assert.deepEqual(await stand.kept('authorizations', 'bob'), before);
});
