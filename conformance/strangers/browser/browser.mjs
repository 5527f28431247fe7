// A browser, and the steps that users take in it.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';

import { chromium } from 'playwright-core';

/** Passwords of the development users. */
export const PASSWORDS = { alice: 'wonderland', bob: 'builder' };

/** The secret of alice's second factor, as the login app publishes it for development. */
export const ALICE = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';

/** The code that an authenticator app shows for a secret, `later` time steps from now (RFC 6238). */
export function code(secret, later = 0) {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = [...secret].map((letter) => alphabet.indexOf(letter).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + later));
  const mac = createHmac('sha1', key).update(step).digest();
  const at = mac[19] & 15;
  return String((mac.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--host-resolver-rules=MAP op.test 127.0.0.1, MAP login.test 127.0.0.1, MAP app.test 127.0.0.1',
];

/** Starts the browser. */
export function launch() {
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
  return chromium.launch({ executablePath, args: ARGS, headless: true });
}

/** A browser profile of its own, one page open. */
export class Person {
  static async arrive(browser, stand, options = {}) {
    const context = await browser.newContext({ locale: 'en-GB', ...options });
    context.setDefaultTimeout(15_000);
    const page = await context.newPage();
    return new Person(context, page, stand);
  }

  constructor(context, page, stand) {
    this.context = context;
    this.page = page;
    this.stand = stand;
    /** Every page that was shown, by address. */
    this.seen = [];
    this.complaints = [];
    context.on('page', (opened) => this.#watch(opened));
    this.#watch(page);
  }

  /** Notes what the console says and which documents are shown. */
  #watch(page) {
    page.on('pageerror', (error) => this.complaints.push(`script error on ${page.url()}: ${error.message}`));
    page.on('console', (message) => {
      if (!['error', 'warning'].includes(message.type())) return;
      // That an error page has the status of an error is as it should be.
      const isStatus = /^Failed to load resource: the server responded with a status of 4\d\d/.test(message.text());
      if (isStatus && this.seen.includes(message.location().url)) return;
      const at = message.location().url;
      // Which page brings an icon has a test of its own; when a browser asks for one is its own affair.
      if (at.endsWith('/favicon.ico')) return;
      this.complaints.push(`${message.type()} on ${page.url()} about ${at}: ${message.text()}`);
    });
    page.on('response', (response) => {
      const request = response.request();
      const isPage = request.isNavigationRequest() && (response.status() < 300 || response.status() >= 400);
      if (isPage) this.seen.push(response.url());
      if (response.status() >= 500) this.complaints.push(`${response.status()} from ${response.url()}`);
    });
  }

  /** The pages of a program that were shown since the last look. */
  shownBy(origin) {
    const pages = this.seen.filter((url) => url.startsWith(origin)).map((url) => new URL(url).pathname);
    this.seen.length = 0;
    return pages;
  }

  /** Sends the demo app's form with these choices; the default scope is what is ticked at first. */
  async ask({ scope, prompt, uiLocales, maxAge, formPost } = {}) {
    const { page } = this;
    await page.goto(`${this.stand.app}/`);
    if (scope) {
      for (const box of await page.locator('input[name=scope]').all()) {
        await box.setChecked(scope.includes(await box.getAttribute('value')));
      }
    }
    if (prompt) await page.selectOption('[name=prompt]', prompt);
    if (uiLocales) await page.selectOption('[name=ui_locales]', uiLocales);
    if (maxAge !== undefined) await page.fill('[name=max_age]', String(maxAge));
    if (formPost) await page.check('[name=response_mode]');
    await this.click('#sign-in');
  }

  /** Clicks what leads to another page, and waits for that. */
  async click(selector) {
    const loaded = this.page.waitForEvent('load');
    // A failed click is told by itself.
    loaded.catch(() => {});
    await this.page.click(selector);
    await loaded;
  }

  async signIn(user = 'alice', password = PASSWORDS[user]) {
    await this.page.fill('#username', user);
    await this.page.fill('#password', password);
    await this.click('#login-submit');
  }

  async allow({ remember = true } = {}) {
    await this.page.locator('#remember').setChecked(remember);
    await this.click('#consent-allow');
  }

  /** From the demo app's start page to its tokens, as somebody who is new here. */
  async arriveAtTokens(user = 'alice', ask = {}) {
    await this.ask(ask);
    await this.signIn(user);
    await this.allow();
    await this.hasTokensOf(user);
  }

  /** The demo app has verified tokens of this user. */
  async hasTokensOf(user) {
    // Not `waitForURL`: it gives up when a second click aborts the navigation of the first.
    assert.equal(await this.page.locator('#subject').textContent(), user);
    assert.ok(this.page.url().startsWith(`${this.stand.app}/session`), this.page.url());
  }

  /** The demo app shows this error of the server. */
  async isRefused(code) {
    await this.page.locator('#error').waitFor();
    assert.equal(await this.page.locator('#error-code').textContent(), code);
  }

  /** Presses a button of the demo app's session page, and reads what it yielded. */
  async press(id) {
    await this.click(`#${id}`);
    return this.page.locator('#result').textContent();
  }

  async cookie(name, origin = this.stand.issuer) {
    return (await this.context.cookies(origin)).find((cookie) => cookie.name === name)?.value;
  }

  /** The data that a form would send, and where. */
  form(button) {
    return this.page.locator(`#${button}`).evaluate((element) => {
      const { form } = element;
      // A control of the name `action` hides the property of that name.
      const action = new URL(form.getAttribute('action'), document.baseURI).href;
      return { action, data: Object.fromEntries(new FormData(form, element)) };
    });
  }

  async leave() {
    await this.context.close();
  }
}
