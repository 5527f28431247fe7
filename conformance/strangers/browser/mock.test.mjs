// The login app that is shipped passes the scenarios of `placet mock`, as people who write another one can see.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { startMock } from '../stand.mjs';
import { ALICE, PASSWORDS, Person, code, launch } from './browser.mjs';

const CODE = 'WDJB-MJHT';
const MOST_PAGES = 10;

/** What a willing user presses, on the first of these buttons that a page has. */
const BUTTONS = [
  '#try-again', '#account-0', '#login-submit', '#totp-submit', '#pass-sign-in', '#review-0', '#signup-submit', '#code-submit', '#device-confirm', '#custom-accept',
  '#consent-allow', '#logout-confirm', '#login-cancel',
];

/**
 * What is there to see and to do: `pages` are those of the app, `/login` if nothing is said. A page that answers a form has
 * the address of the form.
 */
const SCENARIOS = {
  'first-login': { pages: ['/login', '/consent'] },
  'login-only': {},
  'sso-consent': { pages: ['/consent'] },
  'sso-silent': { pages: [] },
  'session-idle': {},
  'max-age': {},
  'login-hint': {},
  'answer-insufficient': { asksCode: true, pages: ['/login', '/login'] },
  'deny-login': { press: { '#login-submit': '#login-cancel' } },
  'step-up-essential': { asksCode: true, pages: ['/totp'] },
  'step-up-voluntary': { asksCode: true, pages: ['/login', '/login'] },
  'step-up-policy': { asksCode: true, pages: ['/totp'] },
  'challenge-after-consent': { pages: ['/login', '/consent', '/login'] },
  'three-accounts': { pages: ['/select'] },
  'select-none': {},
  'fixed-account': {},
  'prompt-login': {},
  'prompt-create': { pages: ['/signup'] },
  'prompt-none': { pages: [] },
  'consent-first': { pages: ['/consent'] },
  'consent-incremental': { pages: ['/consent'] },
  'consent-required': { pages: ['/consent'] },
  'consent-claims': { pages: ['/consent'] },
  'consent-rar': { pages: ['/consent'] },
  'consent-offline': { pages: ['/consent'] },
  'consent-offline-refused': { pages: ['/consent'] },
  'prompt-consent': { pages: ['/consent'] },
  'consent-native': { pages: ['/consent'] },
  'consent-policy': { pages: ['/consent'] },
  'consent-many': { pages: ['/consent'] },
  'deny-consent': { press: { '#consent-allow': '#consent-deny' }, pages: ['/consent'] },
  'custom-terms': { pages: ['/login', '/custom'] },
  'custom-unknown': { pages: ['/custom'] },
  'policy-refuses': { pages: ['/login', '/consent'] },
  'response-query': {},
  'response-fragment': {},
  'response-form-post': {},
  'response-query-jwt': {},
  'response-fragment-jwt': {},
  'response-form-post-jwt': {},
  'response-fragment-hybrid': {},
  'step-conflict': { pages: ['/login', '/consent'] },
  'expired-on-arrival': { pages: ['/'], ends: '#error-page' },
  'expired-on-answer': { pages: ['/login', '/login'], ends: '#error-page' },
  'expires-soon': {},
  'not-found': { pages: ['/'], ends: '#error-page' },
  'invalid-answer': { pages: ['/login', '/login', '/login'] },
  'too-many-requests': { pages: ['/login', '/login', '/login'] },
  'policy-unavailable': { pages: ['/login', '/login', '/login', '/login', '/login'] },
  'server-unavailable': { pages: ['/', '/login'] },
  'error-page': { pages: ['/error'], ends: '#error-page' },
  'device-code': { pages: ['/device', '/device', '/login', '/consent', '/consent'], ends: '#done-page' },
  'device-link': { pages: ['/device', '/consent', '/consent'], ends: '#done-page' },
  'device-wrong-code': {
    codes: ['AAAA-AAAA'], pages: ['/device', '/device', '/device', '/consent', '/consent'], ends: '#done-page',
  },
  'device-expired-code': { pages: ['/device', '/error'], ends: '#error-page' },
  'device-different-network': { pages: ['/device', '/consent', '/consent'], ends: '#done-page' },
  'device-refused': { press: { '#device-confirm': '#device-cancel' }, pages: ['/device', '/device'], ends: '#done-page' },
  // Pages of such a request are for the user who signed in where requests are approved.
  'ciba-approve': { pages: ['/approve', '/approve', '/consent', '/consent'], ends: '#done-page' },
  'ciba-sign-in': {
    asksCode: true, pages: ['/login', '/login', '/approve', '/approve', '/consent', '/consent'], ends: '#done-page',
  },
  'ciba-deny': {
    press: { '#consent-allow': '#consent-deny' }, pages: ['/approve', '/approve', '/consent', '/consent'], ends: '#done-page',
  },
  'logout-client': { check: '#scope-client', pages: ['/logout'] },
  'logout-session': { pages: ['/logout'] },
  'logout-subject': { check: '#scope-subject', pages: ['/logout'] },
  'logout-frames': { pages: ['/logout'] },
  'logout-by-user': { pages: ['/logout'] },
  'logout-without-hint': { pages: ['/logout'] },
  'logout-declined': { press: { '#logout-confirm': '#logout-cancel' }, pages: ['/logout'] },
};

let browser;
/** What the scenarios share that ask for no code: one is good once. */
let shared;

before(async () => {
  shared = await startMock();
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await shared?.stop();
});

/** Fills in what a page asks for. */
async function fill(page, { check, codes }) {
  const there = async (selector) => (await page.locator(selector).count()) > 0;
  if (check && (await there(check))) await page.check(check);
  if (await there('#login-submit')) {
    const name = page.locator('#username');
    if ((await name.getAttribute('readonly')) === null) await name.fill('alice');
    await page.fill('#password', PASSWORDS[await name.inputValue()] ?? '');
  } else if (await there('#signup-submit')) {
    await page.fill('#name', 'Carol Danvers');
    await page.fill('#email', 'carol@example.com');
    await page.fill('#username', 'carol');
    await page.fill('#password', 'higher-further-faster');
    await page.fill('#password-again', 'higher-further-faster');
  } else if (await there('#pass-sign-in')) {
    await page.fill('#username', 'alice');
    await page.fill('#password', PASSWORDS.alice);
  } else if (await there('#totp-submit')) {
    await page.fill('#code', code(ALICE));
  } else if (await there('#code-submit')) {
    await page.fill('#user_code', codes.shift() ?? CODE);
  }
}

/** Walks on until the mock or the last page of the app is reached. */
async function walk(person, stand, { press = {}, check, codes = [], ends }) {
  const { page } = person;
  for (let pages = 0; pages < MOST_PAGES; pages += 1) {
    if (page.url().startsWith(stand.mock)) return;
    if (ends && (await page.locator(ends).count()) > 0) return;
    await fill(page, { check, codes });
    const buttons = [];
    for (const button of BUTTONS) if ((await page.locator(button).count()) > 0) buttons.push(button);
    assert.ok(buttons.length > 0, `nothing leads on from ${page.url()}: ${await page.locator('main').innerText()}`);
    await person.click(press[buttons[0]] ?? buttons[0]);
  }
  assert.fail(`more than ${MOST_PAGES} pages: ${person.seen.join(', ')}`);
}

test('every scenario of the mock is walked', async () => {
  const gallery = await (await fetch(`${shared.mock}/`)).text();
  const offered = [...gallery.matchAll(/\/start\/([a-z0-9-]+)/g)].map(([, name]) => name);
  assert.ok(offered.length > 60, `${offered.length} scenarios`);
  assert.deepEqual([...new Set(offered)].sort(), Object.keys(SCENARIOS).sort());
});

for (const [name, scenario] of Object.entries(SCENARIOS)) {
  test(`the login app gives the right answers in \`${name}\``, async () => {
    const stand = scenario.asksCode ? await startMock() : shared;
    const person = await Person.arrive(browser, stand);
    try {
      let id;
      person.page.on('request', (request) => (id ??= /\bia_[\w-]+/.exec(request.url())?.[0]));
      await person.page.goto(`${stand.mock}/start/${name}`);
      await walk(person, stand, scenario);
      const run = await (await fetch(`${stand.mock}/runs/${id}.json`)).json();
      assert.deepEqual([run.verdict, run.reasons ?? []], ['expected', []]);
      assert.deepEqual(person.shownBy(stand.login), scenario.pages ?? ['/login']);
      // That the page about a server in trouble has the status of one is as it should be.
      const complaints = person.complaints.filter((line) => !/^50[23] from |status of 50[23]/.test(line));
      assert.deepEqual(complaints, []);
    } finally {
      await person.leave();
      if (stand !== shared) await stand.stop();
    }
  });
}
