// What the browser does on the pages of Placet and of its login app, and which page a module wants to see a picture of.

import { LOGIN, OP, SUITE, USER } from './hosts.mjs';

const USUAL = { picture: 'error' };

/** Modules that want something else than a user who signs in and consents, by the end of their names. */
const WISHES = [
  [/-user-rejects-authentication$/, { deny: true }],
  // The first visit only looks at the page.
  [/-reused-request-uri-prior-to-auth-completion-succeeds$/, { look: true }],
  [/^oidcc-(prompt-login|max-age-1)$/, { picture: 'login' }],
  [/^oidcc-registration-(logo|policy|tos)-uri$/, { picture: 'login', stop: true }],
  [/^oidcc-session-management-/, { frames: true }],
  [/^oidcc-rp-initiated-logout-(no-params|no-post-logout-redirect-uri|only-state)$/, { picture: 'signed out' }],
];

/**
 * What a module wishes: `picture` names the page, `deny`, `look` and `stop` what is done, and with `frames` it looks into frames
 * of another site.
 */
export function wishesOf(module) {
  return { ...USUAL, ...WISHES.find(([pattern]) => pattern.test(module))?.[1] };
}

/** Which page a browser shows: the name of one of the steps below, or of an end. */
export async function kindOf(page) {
  const url = page.url();
  if (url.startsWith(SUITE)) return 'suite';
  if (await page.$('#error-page')) return 'error';
  if (url.startsWith(`${LOGIN}/login`)) return 'login';
  if (url.startsWith(`${LOGIN}/select`)) return 'select';
  if (url.startsWith(`${LOGIN}/consent`)) return 'consent';
  if (url.startsWith(`${LOGIN}/logout`)) return 'logout';
  if (url.startsWith(`${OP}/`) && (await page.$('#signed-out'))) return 'signed out';
  return 'between';
}

const click = (id) => (page) => page.click(`#${id}`);

/** How each page is answered; what is not here is an end, or leads on by itself. */
export const STEPS = {
  login: async (page) => {
    const name = await page.$('#username:not([type=hidden]):not([readonly])');
    if (name) await name.fill(USER.name);
    await page.fill('#password', USER.password);
    await page.click('#login-submit');
  },
  select: click('account-0'),
  consent: (page, { deny }) => page.click(deny ? '#consent-deny' : '#consent-allow'),
  logout: click('logout-confirm'),
};
