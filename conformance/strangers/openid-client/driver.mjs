// A browser without a screen: it follows redirects, keeps cookies, and fills in forms.

import assert from 'node:assert/strict';

const MAX_HOPS = 20;

const ENTITIES = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function unescape(text) {
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (all, hex, decimal, name) => {
    if (hex) return String.fromCodePoint(Number.parseInt(hex, 16));
    if (decimal) return String.fromCodePoint(Number(decimal));
    return ENTITIES[name] ?? all;
  });
}

function attributes(tag) {
  const found = {};
  for (const [, name, quoted] of tag.matchAll(/([\w-]+)(?:="([^"]*)")?/g)) found[name] = unescape(quoted ?? '');
  return found;
}

/** The first form of a page: where it goes, and what it would send untouched. */
function readForm(html, at) {
  const form = /<form\b([^>]*)>([\s\S]*?)<\/form>/.exec(html);
  if (!form) return undefined;
  const { action = at, method = 'get' } = attributes(form[1]);
  const fields = {};
  for (const [, tag] of form[2].matchAll(/<input\b([^>]*)>/g)) {
    const input = attributes(tag);
    const isTicked = !['checkbox', 'radio'].includes(input.type) || 'checked' in input;
    if (input.name && isTicked && !('disabled' in input)) {
      fields[input.name] = input.value ?? (input.type === 'checkbox' ? 'on' : '');
    }
  }
  return { action: new URL(action, at).href, method: method.toLowerCase(), fields, ids: html.match(/\bid="[^"]*"/g) ?? [] };
}

/** One browser. */
export class Driver {
  #cookies = new Map();

  /** `back` is where the application is: whatever goes there is not sent, but handed to the caller. */
  constructor(back, fetch = globalThis.fetch) {
    this.fetch = fetch;
    this.back = back;
    this.pages = [];
  }

  #isBack(address) {
    return this.back.some((uri) => address === uri || address.startsWith(`${uri}?`) || address.startsWith(`${uri}#`));
  }

  async #send(address, init = {}) {
    // Cookies do not tell ports apart; all programs of a stand are told apart by their cookies' names.
    const { host } = new URL(address);
    const name = host.split(':')[0];
    const jar = this.#cookies.get(name) ?? new Map();
    this.#cookies.set(name, jar);
    const headers = new Headers(init.headers);
    if (jar.size) headers.set('cookie', [...jar].map(([key, value]) => `${key}=${value}`).join('; '));
    const answer = await this.fetch(address, { ...init, headers, redirect: 'manual' });
    for (const line of answer.headers.getSetCookie()) {
      const [, key, value] = /^([^=]+)=([^;]*)/.exec(line);
      if (/;\s*max-age=0/i.test(line)) jar.delete(key);
      else jar.set(key, value);
    }
    return answer;
  }

  /**
   * Goes to an address, and on until the application is reached: yields what it is given, as an address (`url`), or
   * as a posted form (`request`). `fill` is asked for the answers to each page.
   */
  async go(address, fill) {
    let at = address;
    let init;
    for (let hop = 0; hop < MAX_HOPS; hop += 1) {
      if (this.#isBack(at)) {
        return init ? { request: new Request(at, init) } : { url: new URL(at) };
      }
      const answer = await this.#send(at, init);
      init = undefined;
      if ([302, 303].includes(answer.status)) {
        at = new URL(answer.headers.get('location'), at).href;
        continue;
      }
      const html = await answer.text();
      this.pages.push(new URL(at).pathname);
      const form = readForm(html, at);
      if (!form || answer.status >= 500) return { status: answer.status, html, at };
      const typed = this.#isBack(form.action) ? {} : fill(form, html);
      assert.ok(typed, `nobody knows what to answer at ${at}`);
      assert.equal(form.method, 'post');
      at = form.action;
      init = {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({ ...form.fields, ...typed }).toString(),
      };
    }
    throw new Error(`more than ${MAX_HOPS} hops: ${this.pages.join(', ')}`);
  }
}

/** Answers every page like a user who wants to get on. */
export function willing(username, password) {
  return ({ ids }) => {
    if (ids.includes('id="login-submit"')) return { username, password, action: 'sign-in' };
    if (ids.includes('id="consent-allow"')) return { action: 'allow' };
    if (ids.includes('id="logout-confirm"')) return { action: 'confirm' };
    return undefined;
  };
}
