// A headless Chromium that goes where a module sends it.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { STEPS, kindOf } from './pages.mjs';
import { SUITE } from './hosts.mjs';

const { chromium } = createRequire(new URL('../strangers/package.json', import.meta.url))('playwright-core');

/** How many pages may follow one another, how long one may take, and how often it is looked at. */
const [PAGES, PATIENCE, EVERY] = [12, 60_000, 250];

const PROGRAM = {
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', `--host-resolver-rules=MAP *.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE ${new URL(SUITE).hostname}`],
};
const PERSON = { ignoreHTTPSErrors: true, locale: 'en-GB' };

/** Starts the browser. The names of the hosts lead to this machine, and nothing leaves it. */
export const launch = () => chromium.launch(PROGRAM);

/** Chromium keeps cookies out of frames of other sites, unless its user wants them there. */
const FRAMES = { profile: { cookie_controls_mode: 0, block_third_party_cookies: false }, tracking_protection: { block_all_3pc_toggle_enabled: false } };

/** The cookie jar of a user; one with `frames` is a profile of its own. */
async function jar(browser, frames) {
  if (!frames) return browser.newContext(PERSON);
  const dir = mkdtempSync(join(tmpdir(), 'placet-conformance-'));
  mkdirSync(join(dir, 'Default'));
  writeFileSync(join(dir, 'Default/Preferences'), JSON.stringify(FRAMES));
  const context = await chromium.launchPersistentContext(dir, { ...PROGRAM, ...PERSON });
  // Its processes write there until they are gone.
  process.once('exit', () => rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }));
  return context;
}

/** One user with one browser, for the life of a module. */
export class User {
  constructor(browser, { frames }) {
    this.context = jar(browser, frames);
  }

  /**
   * Goes to a URL and on from there, until a page needs nobody any more. `seen` is told of every page, and may end the visit
   * by returning true.
   */
  async visit({ url, method }, wishes, seen) {
    const page = await (await this.context).newPage();
    page.setDefaultTimeout(PATIENCE);
    await (method === 'POST' ? post(page, url) : open(page, url));
    for (let count = 0; count < PAGES; count += 1) {
      const kind = await settled(page);
      if (await seen(kind, page)) return;
      const step = STEPS[kind];
      if (!step) return;
      const left = page.url();
      await Promise.all([page.waitForURL((now) => now.href !== left, { waitUntil: 'commit' }).catch(() => {}), step(page, wishes)]);
    }
    throw new Error(`there is no end to the pages after ${url}`);
  }

  async close() {
    await (await this.context).close();
  }
}

/** A page that a redirect leads away from before it is loaded is no failure. */
const open = (page, url) => page.goto(url, { waitUntil: 'domcontentloaded' }).catch((error) => {
  if (!/ERR_ABORTED|interrupted/.test(error.message)) throw error;
});

/** Sends the parameters of a URL in a form of another site, as the page of a client would. */
async function post(page, url) {
  const { origin, pathname, searchParams } = new URL(url);
  await page.goto('about:blank');
  const fields = [...searchParams];
  await Promise.all([
    page.waitForURL((now) => now.protocol === 'https:', { waitUntil: 'commit' }),
    page.evaluate(([action, entries]) => {
      const form = document.createElement('form');
      Object.assign(form, { method: 'post', action });
      for (const [name, value] of entries) {
        const input = document.createElement('input');
        Object.assign(input, { type: 'hidden', name, value });
        form.append(input);
      }
      document.body.append(form);
      form.submit();
    }, [origin + pathname, fields]),
  ]);
}

/** Waits until the page is one that we know, and loaded. */
async function settled(page) {
  const until = Date.now() + PATIENCE;
  for (;;) {
    try {
      await page.waitForLoadState('domcontentloaded');
      const kind = await kindOf(page);
      if (kind === 'suite') {
        // The page that takes a response sends what is behind the `#` to the suite.
        if (await page.$('#complete')) await page.waitForSelector('#submission_complete', { state: 'attached' });
        return kind;
      }
      if (kind !== 'between') return kind;
    } catch (error) {
      // The page went away while it was looked at.
      if (!/destroyed|navigat|detached|Timeout/i.test(error.message)) throw error;
    }
    if (Date.now() > until) return 'unknown';
    await new Promise((resolve) => setTimeout(resolve, EVERY));
  }
}
