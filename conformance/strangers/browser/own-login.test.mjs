// The login apps that docs/login-app.md shows, each as a program of its own between a browser and a server.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { UI_TOKEN, start } from '../stand.mjs';
import { PASSWORDS, Person, launch } from './browser.mjs';

const examples = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..', 'docs', 'examples');
const python = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).trim();

const APPS = {
  python: { program: python, script: join(examples, 'login-python', 'login.py'), cookie: 'login-py' },
  typescript: { program: process.execPath, script: join(examples, 'login-typescript', 'dist', 'login.js'), cookie: 'login-ts' },
};

let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

for (const [name, { program, script, cookie }] of Object.entries(APPS)) {
  describe(`a login app in ${name}`, () => {
    let stand;
    let person;
    let users;

    before(async () => {
      stand = await start({
        loginApp({ dir, api, login, port }) {
          users = join(dir, 'users.json');
          for (const [user, full] of [['alice', 'Alice Liddell'], ['bob', 'Bob the Builder'], ['carol', 'Carol Danvers']]) {
            const more = ['add', user, full, `${user}@example.com`];
            const input = PASSWORDS[user] ?? 'marvellous';
            execFileSync(program, [script, ...more], { input, env: { USERS_FILE: users, UI_TOKEN } });
          }
          const env = { USERS_FILE: users, UI_TOKEN, UI_API: api, PUBLIC_URL: `${login}/`, LISTEN: `127.0.0.1:${port}` };
          return [program, port, [script], env];
        },
      });
    });

    after(() => stand?.stop());

    beforeEach(async () => {
      await stand.forget('alice', 'bob');
      person = await Person.arrive(browser, stand);
    });

    afterEach(async () => {
      const { complaints } = person;
      await person.leave();
      assert.deepEqual(complaints, []);
    });

    const text = () => person.page.locator('main').textContent();
    const none = (selector) => person.page.locator(selector).count().then((count) => assert.equal(count, 0, selector));
    /** Sends the form of the page, changed, as another page could: without the redirect that follows. */
    const post = async (button, changes, headers = {}) => {
      const { action, data } = await person.form(button);
      const form = Object.fromEntries(Object.entries({ ...data, ...changes }).filter(([, value]) => value !== undefined));
      return person.context.request.post(action, { form, maxRedirects: 0, headers });
    };

    test('signing in and consenting ends at tokens with the claims of the user', async () => {
      await person.ask();
      assert.match(await text(), /Demo app/);
      await person.signIn('alice');
      assert.match(await text(), /You are alice.*profile.*email/s);
      await person.allow();
      await person.hasTokensOf('alice');
      assert.match(await person.press('userinfo'), /Alice Liddell/);
    });

    test('a wrong password and a name that nobody has are answered alike', async () => {
      await person.ask();
      await person.signIn('alice', 'looking-glass');
      const wrong = await text();
      assert.match(wrong, /do not belong together/);
      await person.signIn('nobody', 'looking-glass');
      assert.equal(await text(), wrong);
      await person.signIn('__proto__', 'looking-glass');
      assert.equal(await text(), wrong);
      await person.signIn('alice');
      await person.allow();
      await person.hasTokensOf('alice');
    });

    test('ten wrong passwords make the name wait, the right one too', async () => {
      await person.ask();
      for (let i = 0; i < 10; i += 1) await person.signIn('carol', `looking-glass-${i}`);
      await person.signIn('carol', 'marvellous');
      assert.match(await text(), /Wait a quarter of an hour/);
      await person.ask();
      await person.signIn('bob');
      await person.allow();
      await person.hasTokensOf('bob');
    });

    test('passwords lie in the file as salted scrypt hashes', () => {
      const file = readFileSync(users, 'utf8');
      for (const password of Object.values(PASSWORDS)) assert.ok(!file.includes(password));
      const { alice, bob } = JSON.parse(file);
      assert.match(alice.hash, /^[0-9a-f]{128}$/);
      assert.notEqual(alice.salt, bob.salt);
    });

    test('who cancels or denies comes back to the app as access_denied', async () => {
      await person.ask();
      await person.click('#login-cancel');
      await person.isRefused('access_denied');
      await person.ask();
      await person.signIn('alice');
      await person.click('#consent-deny');
      await person.isRefused('access_denied');
      assert.deepEqual(await stand.kept('authorizations', 'alice'), []);
    });

    test('a session and a remembered consent need no page; without the consent its page comes alone', async () => {
      await person.ask();
      await person.signIn('alice');
      await person.allow({ remember: false });
      await person.ask();
      await none('#password');
      await person.allow({ remember: true });
      await person.hasTokensOf('alice');
      person.shownBy(stand.login);
      await person.ask();
      await person.hasTokensOf('alice');
      assert.deepEqual(person.shownBy(stand.login), []);
    });

    test('a session lives as long as the browser, unless the user wants to stay signed in', async () => {
      const expires = async () => (await person.context.cookies(stand.issuer)).find((c) => c.name === 'placet-sso').expires;
      await person.arriveAtTokens();
      assert.equal(await expires(), -1);
      await person.context.clearCookies();
      await person.ask();
      await person.page.check('#remember-me');
      await person.signIn('alice');
      await person.hasTokensOf('alice');
      assert.ok((await expires()) > Date.now() / 1000);
    });

    test('two accounts are signed in, and either is chosen without a password', async () => {
      await person.arriveAtTokens('alice');
      await person.ask({ prompt: 'select_account' });
      await person.click('#other-account');
      await person.signIn('bob');
      await person.allow();
      await person.hasTokensOf('bob');
      for (const user of ['alice', 'bob']) {
        await person.ask({ prompt: 'select_account' });
        const choices = await person.page.locator('button[id^=account-]').allTextContents();
        assert.deepEqual([...choices].sort(), ['alice', 'bob']);
        await person.click(`#account-${choices.indexOf(user)}`);
        await person.hasTokensOf(user);
      }
      assert.equal((await stand.kept('sessions', 'alice')).length, 1);
    });

    test('prompt=login and max_age ask again, and the session goes on', async () => {
      await person.arriveAtTokens();
      await person.ask({ prompt: 'login' });
      await person.page.fill('#password', PASSWORDS.alice);
      if (await person.page.inputValue('#username') === '') await person.page.fill('#username', 'alice');
      await person.click('#login-submit');
      await person.hasTokensOf('alice');
      await person.page.waitForTimeout(2100);
      await person.ask({ maxAge: 1 });
      await person.page.fill('#username', 'alice');
      await person.page.fill('#password', PASSWORDS.alice);
      await person.click('#login-submit');
      await person.hasTokensOf('alice');
      assert.equal((await stand.kept('sessions', 'alice')).length, 1);
    });

    test('a stronger sign-in than there is leads back to the app', async () => {
      const claims = JSON.stringify({ id_token: { acr: { essential: true, values: ['urn:acme:loa:3'] } } });
      const asked = new URLSearchParams({
        client_id: 'demo', response_type: 'code', scope: 'openid', state: 's', redirect_uri: `${stand.app}/callback`, claims,
      });
      await person.page.goto(`${stand.issuer}/authorize?${asked}`);
      assert.match(await text(), /stronger sign-in/);
      const { location } = (await post('login-cancel', {})).headers();
      const resumed = await person.context.request.get(new URL(location, stand.login).href, { maxRedirects: 0 });
      const back = await person.context.request.get(resumed.headers().location, { maxRedirects: 0 });
      assert.match(back.headers().location, /error=unmet_authentication_requirements/);
    });

    test('signing out asks first: who stays is signed in, who leaves is not', async () => {
      await person.arriveAtTokens();
      await person.click('#logout');
      await person.click('#logout-cancel');
      assert.equal((await stand.kept('sessions', 'alice')).length, 1);
      await person.ask();
      await person.hasTokensOf('alice');
      await person.click('#logout');
      assert.equal(await person.page.isChecked('#scope-session'), true);
      await person.click('#logout-confirm');
      await person.page.locator('#signed-out').waitFor();
      assert.deepEqual(await stand.kept('sessions', 'alice'), []);
      await person.ask({ prompt: 'none' });
      await person.isRefused('login_required');
    });

    test('a form counts in the browser, for the interaction and for the step that it was made for', async () => {
      await person.ask();
      await person.page.fill('#username', 'alice');
      await person.page.fill('#password', PASSWORDS.alice);
      const { data } = await person.form('login-submit');
      const at = async () => (await stand.ui(`/interactions/${data.interaction}`)).step;
      for (const csrf of [undefined, '', 'x', data.csrf.replace(/^./, (c) => (c === '0' ? '1' : '0'))]) {
        assert.equal((await post('login-submit', { csrf })).status(), 403);
      }
      assert.equal((await post('login-submit', { step: '2' })).status(), 403);
      const other = await Person.arrive(browser, stand);
      const { action } = await person.form('login-submit');
      assert.equal((await other.context.request.post(action, { form: data, maxRedirects: 0 })).status(), 403);
      await other.page.goto(`${stand.login}/?interaction=${data.interaction}`);
      assert.equal((await other.context.request.post(action, { form: data, maxRedirects: 0 })).status(), 403);
      await other.leave();
      assert.equal(await at(), 1);
      assert.equal((await post('login-submit', {})).status(), 303);
      assert.equal(await at(), 2);
      // Again, as by a double click: nothing changes, and the browser goes where the interaction is.
      assert.equal((await post('login-submit', {})).status(), 303);
      assert.equal(await at(), 2);
    });

    test('the back button never sends a form twice', async () => {
      await person.ask();
      await person.signIn();
      await person.page.goBack();
      await person.page.goto(`${stand.login}/?${new URL(person.page.url()).searchParams}`);
      await person.allow();
      await person.hasTokensOf('alice');
      assert.equal((await stand.kept('authorizations', 'alice')).length, 1);
    });

    test('every page is for this browser alone, and names nobody', async () => {
      const [answer] = await Promise.all([
        person.page.waitForResponse((response) => response.url().startsWith(`${stand.login}/?`)), person.ask(),
      ]);
      for (const page of [answer, await person.context.request.get(`${stand.login}/nowhere`)]) {
        const headers = page.headers();
        assert.equal(headers['cache-control'], 'no-store');
        assert.equal(headers['x-content-type-options'], 'nosniff');
        assert.equal(headers['x-frame-options'], 'DENY');
        assert.equal(headers['referrer-policy'], 'no-referrer');
        assert.match(headers['content-security-policy'], /default-src 'none'; frame-ancestors 'none'/);
        assert.match(headers['content-type'], /^text\/html; ?charset=utf-8$/);
      }
      const kept = (await person.context.cookies(stand.login)).find((one) => one.name === cookie);
      assert.equal(kept.httpOnly, true);
      assert.equal(kept.sameSite, 'Lax');
    });

    test('what a stranger writes into a request is text', async () => {
      const hint = '"><script>document.title = "mine"</script>';
      const asked = new URLSearchParams({
        client_id: 'demo', response_type: 'code', scope: 'openid', redirect_uri: `${stand.app}/callback`, login_hint: hint,
      });
      await person.page.goto(`${stand.issuer}/authorize?${asked}`);
      assert.equal(await person.page.inputValue('#username'), hint);
      assert.equal(await person.page.title(), 'Sign in');
    });

    test('what cannot go on is a page that says so', async () => {
      const page = async (path, status) => {
        const answer = await person.page.goto(`${stand.login}${path}`);
        assert.equal(answer.status(), status, path);
        await person.page.locator('#error-page').waitFor();
        person.complaints.length = 0;
      };
      await page('/', 400);
      await page('/nowhere', 404);
      await page('/?interaction=ia_nothing', 404);
      await page('/?interaction=..%2F..%2Fsessions', 404);
      await person.ask();
      const { data } = await person.form('login-submit');
      await person.signIn();
      await person.allow();
      await person.hasTokensOf('alice');
      await page(`/?interaction=${data.interaction}`, 410);
      const large = await person.context.request.post(`${stand.login}/`, { form: { username: 'a'.repeat(70_000) } });
      assert.equal(large.status(), 413);
    });

    test('while the server is down there is a page with a way on, and then it goes on', async () => {
      await person.ask();
      const { data } = await person.form('login-submit');
      await stand.killed('placet');
      const answer = await person.page.goto(`${stand.login}/?interaction=${data.interaction}`);
      assert.equal(answer.status(), 503);
      await stand.again('placet');
      await person.click('#try-again');
      await person.signIn();
      await person.allow();
      await person.hasTokensOf('alice');
      person.complaints.length = 0;
    });
  });
}
