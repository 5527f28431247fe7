// The console in a browser: in by the link that was printed, over every page, at a desk and on a phone, in light and dark.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';

import { CLIENT_SECRET, start } from '../stand.mjs';
import { Person, launch } from './browser.mjs';

const SIZES = { desk: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } };
/** Where pictures of every page go, if anybody wants to look at them. */
const SHOTS = process.env.PLACET_SHOTS;
if (SHOTS) mkdirSync(SHOTS, { recursive: true });

let stand;
let browser;
let policy;

/** A policy that lets everybody sign in and gives the client alone nothing. It signs nothing, so it is one in OPA's words. */
function opa() {
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (part) => (body += part));
    request.on('end', () => {
      const { input } = JSON.parse(body);
      const allow = input.type !== 'grant.client_credentials';
      const reason = allow ? { code: 'known_device', detail: 'seen before' } : { code: 'no_robots' };
      const decision = allow ? { decision: 'allow' } : { decision: 'deny', error: { code: 'access_denied' } };
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ result: { ...decision, reason } }));
    });
  });
  return new Promise((ready) => server.listen(0, '127.0.0.1', () => ready(server)));
}

before(async () => {
  policy = await opa();
  const more = `
[[policy]]
name = "guard"
types = ["interaction.approve", "grant.client_credentials"]
backend = "opa"
opa.package = "placet"
url = "http://127.0.0.1:${policy.address().port}"
auth.allow_plaintext_loopback = true

[[policy]]
name = "away"
types = ["grant.refresh_token"]
mode = "shadow"
backend = "opa"
opa.package = "placet"
url = "http://127.0.0.1:9"
auth.allow_plaintext_loopback = true
`;
  [browser, stand] = await Promise.all([launch(), start({ more })]);
});

after(async () => {
  await browser?.close();
  await stand?.stop();
  policy?.close();
});

afterEach(() => stand.forget('bob'));

/** The link that the server printed at its start. */
const printed = () => /console, .*: (http:\S+)/.exec(stand.output('placet'))[1];

/** Another one, as `placet console` gets it. */
async function link() {
  const [, token] = /admin token of this start: (\S+)/.exec(stand.output('placet'));
  const answer = await fetch(stand.api.replace('/ui/v1', '/admin/v1/console-links'), {
    method: 'POST', headers: { authorization: `Bearer ${token}` },
  });
  assert.equal(answer.status, 201);
  return (await answer.json()).url;
}

async function enters(at, options = {}) {
  const person = await Person.arrive(browser, stand, options);
  await person.page.goto(at);
  await person.click('#sign-in button');
  return person;
}

const asks = (form) => fetch(`${stand.issuer}/token`, {
  method: 'POST',
  headers: { authorization: `Basic ${Buffer.from(`demo:${CLIENT_SECRET}`).toString('base64')}` },
  body: new URLSearchParams(form),
});

/** Nothing has to be scrolled sideways. */
async function fits({ page }) {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.equal(wide, 0, `${page.url()} is ${wide} px too wide`);
}

test('an operator finds the flow of a user by the reference on the error page', async () => {
  const user = await Person.arrive(browser, stand);
  await user.arriveAtTokens('bob');
  await user.page.goto(`${stand.issuer}/authorize?client_id=demo&redirect_uri=https://elsewhere.example/`);
  const reference = await user.page.locator('#error-page dd code').last().innerText();
  const operator = await enters(printed());
  await operator.page.fill('[name=q]', reference);
  await operator.click('.search button');
  assert.match(await operator.page.locator('main').innerText(), /invalid_request[\s\S]*redirect_uri/);
  await operator.page.goto(new URL('/console/flows?outcome=done', printed()).href);
  await operator.click('tbody a');
  const steps = await operator.page.locator('.steps').innerText();
  assert.match(steps, /The login app is asked: `auth`[\s\S]*guard said allow, because of known_device[\s\S]*A client asked for tokens/);
  await operator.click('.decision a');
  await operator.click('main form button');
  assert.match(await operator.page.locator('main').innerText(), /As it was decided/);
  assert.deepEqual([...user.complaints, ...operator.complaints], []);
  await user.leave();
  await operator.leave();
});

test('the printed link is good once, and signing out ends the session', async () => {
  const late = await enters(printed());
  assert.match(await late.page.locator('main').innerText(), /was used before/);
  await late.leave();
  const operator = await enters(await link());
  await operator.click('.who button');
  assert.match(await operator.page.locator('main').innerText(), /a link that works once/);
  await operator.page.goto(new URL('/console/keys', printed()).href);
  assert.match(operator.page.url(), /\/console\/sign-in$/);
  await operator.leave();
});

test('an operator ends the session of a user, who has to sign in again', async () => {
  const user = await Person.arrive(browser, stand);
  await user.arriveAtTokens('bob');
  const operator = await enters(await link());
  await operator.page.goto(new URL('/console/people?sub=bob', printed()).href);
  while (await operator.page.locator('button[name=session]').count()) await operator.click('button[name=session] >> nth=0');
  assert.match(await operator.page.locator('main').innerText(), /signed in nowhere/);
  await user.ask();
  await user.page.locator('#login-submit').waitFor();
  assert.deepEqual([...user.complaints, ...operator.complaints], []);
  await user.leave();
  await operator.leave();
});

for (const [size, viewport] of Object.entries(SIZES)) {
  for (const colorScheme of ['light', 'dark']) {
    test(`every page fits a ${size} in ${colorScheme}`, async () => {
      await (await asks({ grant_type: 'client_credentials' })).text();
      await (await asks({ grant_type: 'authorization_code', code: 'unknown', redirect_uri: `${stand.app}/callback` })).text();
      const user = await Person.arrive(browser, stand);
      await user.arriveAtTokens('bob');
      const person = await Person.arrive(browser, stand, { viewport, colorScheme, isMobile: size === 'phone' });
      const shoot = async (name) => {
        await fits(person);
        if (SHOTS) {
          await person.page.screenshot({ path: join(SHOTS, `${name}-${size}-${colorScheme}.png`), fullPage: true });
        }
      };
      await person.page.goto(await link());
      await shoot('sign-in');
      await person.click('#sign-in button');
      await shoot('flows');
      await person.click('tbody tr >> nth=0 >> a >> nth=0');
      await shoot('flow');
      const at = (path) => person.page.goto(new URL(`/console/${path}`, printed()).href);
      for (const [name, path] of [
        ['empty', 'flows?client_id=nobody'], ['policies', 'policies'], ['simulate', 'simulate'], ['clients', 'clients'],
        ['client', 'client?id=demo'], ['people', 'people?sub=bob'], ['nobody', 'people'], ['keys', 'keys'],
        ['search', 'search?q=nothing'], ['refused', 'flows/req_unknown'],
      ]) {
        await at(path);
        await shoot(name);
      }
      await at('decisions');
      await shoot('decisions');
      await person.click('tbody a >> nth=0');
      await person.click('main form button');
      await person.page.locator('details').first().evaluate((details) => (details.open = true));
      await shoot('decision');
      await at('simulate');
      await person.click('main form button');
      await shoot('simulated');
      assert.deepEqual(person.complaints, []);
      await person.leave();
      await user.leave();
    });
  }
}
