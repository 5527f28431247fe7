// A login app for Placet in one file: Node.js 20 or newer, and the types and the client of the SDK.
//
//   printf '%s' "$PASSWORD" | node dist/login.js add alice "Alice Liddell" alice@example.com    # into users.json
//   UI_TOKEN=... node dist/login.js                                                             # at http://localhost:8090/

import { createHmac, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

import { InteractionClient, InteractionError } from '@placet/sdk/interaction';
import type { Answer, AuthPrompt, Candidate, ClientInfo, OpenPrompt, Prompt } from '@placet/sdk/interaction';

const { UI_API = 'http://127.0.0.1:8081/ui/v1', UI_TOKEN: token = '', USERS_FILE = 'users.json' } = process.env;
const { LISTEN = '127.0.0.1:8090', PUBLIC_URL = '' } = process.env;
const api = new InteractionClient({ url: UI_API, token });
const secure = PUBLIC_URL.startsWith('https:');
const cookieName = secure ? '__Host-login-ts' : 'login-ts'; // a name of its own: cookies do not tell ports apart
const key = randomBytes(32); // of the forms; several instances have to share one
const ACR = 'urn:placet:acr:pwd'; // what a password is worth
const AMR = ['pwd'];

/** A page that says what is wrong, and where the user can go on, if anywhere. */
class Fault extends Error {
  constructor(readonly status: number, message: string, readonly link?: string) {
    super(message);
  }
}

// --- passwords: salted scrypt, equal work for names that nobody has, a pause after ten wrong ones ---

interface User { sub: string; salt: string; hash: string; claims: Record<string, unknown> }

const nobody: User = { sub: '', salt: '00'.repeat(16), hash: '00'.repeat(64), claims: {} };
const wrong = new Map<string, { count: number; last: number }>();
let hashing: Promise<unknown> = Promise.resolve();

function hash(password: string, salt: string): Promise<Buffer> {
  const work = () => new Promise<Buffer>((resolve, reject) => {
    const cost = { N: 2 ** 14, r: 8, p: 5, maxmem: 2 ** 25 };
    scrypt(password, Buffer.from(salt, 'hex'), 64, cost, (error, made) => (error ? reject(error) : resolve(made)));
  });
  const made = hashing.then(work, work); // one after the other: each takes 16 MiB
  hashing = made.catch(() => undefined);
  return made;
}

const users = (): Record<string, User> =>
  Object.assign(Object.create(null), existsSync(USERS_FILE) ? JSON.parse(readFileSync(USERS_FILE, 'utf8')) : {});

async function checked(name: string, password: string): Promise<User | undefined> {
  const [short, now] = [name.slice(0, 256), Date.now()];
  for (const [old, { last }] of wrong) if (last < now - 900_000) wrong.delete(old);
  if ((wrong.get(short)?.count ?? 0) >= 10 || wrong.size > 100_000) {
    throw new Fault(429, 'Too many wrong passwords. Wait a quarter of an hour.');
  }
  const user = users()[short];
  const stored = user ?? nobody;
  const right = timingSafeEqual(await hash(password.slice(0, 1024), stored.salt), Buffer.from(stored.hash, 'hex'));
  if (user && right) {
    wrong.delete(short);
    return user;
  }
  wrong.set(short, { count: (wrong.get(short)?.count ?? 0) + 1, last: now });
  return undefined;
}

async function add(name: string, fullName: string, email: string) {
  const [known, salt] = [users(), randomBytes(16).toString('hex')];
  const hashed = (await hash(readFileSync(0, 'utf8'), salt)).toString('hex');
  known[name] = { sub: name, salt, hash: hashed, claims: { name: fullName, email, email_verified: true } };
  writeFileSync(`${USERS_FILE}.new`, JSON.stringify(known, null, 2), { mode: 0o600 });
  renameSync(`${USERS_FILE}.new`, USERS_FILE);
}

// --- prompts become forms ---

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escape = (text: string) => text.replace(/[&<>"']/g, (character) => entities[character] ?? '');
const here = (id: string) => `/?interaction=${encodeURIComponent(id)}`;

const button = (action: string, text: string, id: string) =>
  `<p><button id="${id}" name="action" value="${escape(action)}">${escape(text)}</button></p>`;
const box = (name: string, text: string, id: string, checked: boolean, type = 'checkbox', value = 'on') =>
  `<p><label><input type="${type}" id="${id}" name="${name}" value="${value}"${checked ? ' checked' : ''}> ${text}</label></p>`;

const outOfReach = ({ acr, amr }: AuthPrompt) =>
  (acr?.essential === true && !acr.values.includes(ACR)) || (amr?.values.some((method) => !AMR.includes(method)) ?? false);

function signIn(prompt: OpenPrompt, auth: AuthPrompt, account?: string, other = false): string {
  if (outOfReach(auth)) {
    return `<p>This needs a stronger sign-in than there is here.</p>${button('unmet', 'Back', 'login-cancel')}`;
  }
  const candidates = auth.account.candidates ?? [];
  if (candidates.length > 0 && account === undefined && !other) {
    const rows = candidates.map(({ session_id, sub }, n) => button(session_id, sub, `account-${n}`));
    const link = `<p><a id="other-account" href="${here(prompt.id)}&amp;other=1">Another account</a></p>`;
    return rows.join('') + link + button('deny', 'Cancel', 'select-cancel');
  }
  const fixed = auth.account.sub ?? account;
  const value = `value="${escape(fixed ?? prompt.ui.login_hint ?? '')}"${fixed === undefined ? '' : ' readonly'}`;
  return `<p><label>Name <input id="username" name="username" ${value} autocomplete="username"></label></p>
    <p><label>Password <input id="password" name="password" type="password" autocomplete="current-password"></label></p>
    ${box('remember', 'Keep me signed in', 'remember-me', false)}
    ${button('sign-in', 'Sign in', 'login-submit')}${button('deny', 'Cancel', 'login-cancel')}`;
}

function form(prompt: OpenPrompt, error = '', account?: string, other = false): string {
  switch (prompt.type) {
    case 'auth': {
      const said = [prompt.auth.message ?? '', error].filter((text) => text !== '');
      const lines = said.map((text) => `<p id="form-error">${escape(text)}</p>`).join('');
      return lines + signIn(prompt, prompt.auth, account, other);
    }
    case 'consent': {
      const { subject, scope, claims, authorization_details = [], message = '' } = prompt.consent;
      const rows = [
        ...scope.map((item) => item.title ?? item.value),
        ...claims.map((claim) => claim.name),
        ...authorization_details.map((detail) => JSON.stringify(detail)),
      ];
      return `<p>${escape(message)}</p><p>You are ${escape(subject.sub)}. The app wants:</p>
        <ul>${rows.map((row) => `<li>${escape(row)}</li>`).join('')}</ul>${box('remember', 'Do not ask again', 'remember', true)}
        ${button('allow', 'Allow', 'consent-allow')}${button('deny', 'Deny', 'consent-deny')}`;
    }
    case 'confirm': {
      if (prompt.confirm.what !== 'logout') break;
      const texts = { client: 'Sign out of this app', session: 'Sign out of this browser', subject: 'Sign out everywhere' };
      const rows = (prompt.confirm.choices ?? []).map((choice) =>
        box('scope', texts[choice], `scope-${choice}`, choice === prompt.confirm.default, 'radio', choice));
      return rows.join('') + button('confirm', 'Sign out', 'logout-confirm') + button('refuse', 'Stay', 'logout-cancel');
    }
  }
  return `<p>This app has no page for that.</p>${button('deny', 'Back', 'deny')}`;
}

// --- forms become answers ---

/** Whether the session of an account will do as it is, without its password. */
function suffices({ reasons, acr, not_before }: AuthPrompt, candidate: Candidate): boolean {
  const fresh = not_before === undefined || Date.parse(candidate.authenticated_at) >= Date.parse(not_before);
  const strong = acr?.essential !== true || (candidate.acr !== undefined && acr.values.includes(candidate.acr));
  return fresh && strong && reasons.every((reason) => reason === 'prompt_select_account');
}

/** The answer to an `auth` prompt, or another form for it. */
async function signedIn(prompt: OpenPrompt, auth: AuthPrompt, fields: URLSearchParams): Promise<Answer | string> {
  const candidates = auth.account.candidates ?? [];
  const chosen = candidates.find(({ session_id }) => session_id === fields.get('action'));
  if (chosen) {
    if (!suffices(auth, chosen)) return form(prompt, '', chosen.sub);
    const { session_id: id, ...proved } = chosen;
    return { type: 'auth', ...proved, session: { action: 'reuse', id } };
  }
  const user = await checked(fields.get('username') ?? '', fields.get('password') ?? '');
  if (!user) return form(prompt, 'That name and that password do not belong together.', undefined, true);
  const sessions = [...(prompt.session ? [prompt.session] : []), ...candidates.map((c) => ({ sub: c.sub, id: c.session_id }))];
  const mine = sessions.find(({ sub }) => sub === user.sub);
  const session = mine ? { action: 'reuse' as const, id: mine.id } : { action: 'create' as const, persistent: fields.has('remember') };
  return { type: 'auth', sub: user.sub, acr: ACR, amr: AMR, session: { ...session, claims: user.claims } };
}

async function answer(prompt: OpenPrompt, fields: URLSearchParams): Promise<Answer | string> {
  const action = fields.get('action');
  if (prompt.type === 'confirm') {
    const scope = prompt.confirm.choices?.find((choice) => choice === fields.get('scope'));
    return action === 'confirm' ? { type: 'confirm', accepted: true, ...(scope && { scope }) } : { type: 'confirm', accepted: false };
  }
  if (action === 'unmet') return { type: 'deny', error: 'unmet_authentication_requirements' };
  if (action === 'deny') return { type: 'deny', error: 'access_denied' };
  if (prompt.type === 'auth' && !outOfReach(prompt.auth)) return signedIn(prompt, prompt.auth, fields);
  if (prompt.type === 'consent' && action === 'allow') { // everything that this very prompt listed
    return { type: 'consent', accept_all: true, remember: { mode: fields.has('remember') ? 'always' : 'never' } };
  }
  throw new Fault(400, 'This form is not one of ours.');
}

// --- the browser ---

/** What only this app can write into a form: another site can post one, but not know this. */
const seal = (browser: string, id: string, step: string) =>
  createHmac('sha256', key).update(JSON.stringify([browser, id, step])).digest();

function send(response: ServerResponse, status: number, body: string, headers: Record<string, string>) {
  response.writeHead(status, {
    'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff', 'X-Frame-Options': 'DENY', 'Referrer-Policy': 'no-referrer',
    // No `form-action`: browsers apply it to the redirect that answers a form, and ours lead to other origins.
    'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'; base-uri 'none'", ...headers,
  }).end(body);
}

function page(response: ServerResponse, status: number, body: string) {
  const html = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Sign in</title><main>${body}</main></html>`;
  send(response, status, html, { 'Content-Type': 'text/html; charset=utf-8' });
}

function show(response: ServerResponse, status: number, browser: string, prompt: OpenPrompt, fields: string) {
  const { client_id, name = client_id, document_host }: Partial<ClientInfo> = prompt.client ?? {};
  const hidden = { interaction: prompt.id, step: `${prompt.step}`, csrf: seal(browser, prompt.id, `${prompt.step}`).toString('hex') };
  const inputs = Object.entries(hidden).map(([field, value]) => `<input type="hidden" name="${field}" value="${escape(value)}">`);
  const title = escape(`${name ?? ''}${document_host ? ` of ${document_host}` : ''}`);
  page(response, status, `<h1>${title}</h1><form method="post" action="${here(prompt.id)}">${inputs.join('')}${fields}</form>`);
}

async function body(request: IncomingMessage): Promise<URLSearchParams> {
  let text = '';
  for await (const part of request.setEncoding('utf8')) {
    if ((text += part).length > 65_536) throw new Fault(413, 'This form is too large.');
  }
  return new URLSearchParams(text);
}

async function handle(request: IncomingMessage, response: ServerResponse) {
  const cookies = Object.fromEntries((request.headers.cookie ?? '').split(/;\s*/).map((pair) => pair.split('=', 2)));
  const known = /^[\w-]{43}$/.test(cookies[cookieName] ?? '');
  const browser: string = known ? cookies[cookieName] : randomBytes(32).toString('base64url');
  if (!known) response.setHeader('Set-Cookie', `${cookieName}=${browser}; Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`);
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
  if (pathname !== '/') throw new Fault(404, 'There is no such page.');
  if (request.method === 'POST') {
    const fields = await body(request);
    const [id, step] = [fields.get('interaction') ?? '', fields.get('step') ?? ''];
    const [ours, theirs] = [seal(browser, id, step), Buffer.from(fields.get('csrf') ?? '', 'hex')];
    if (!known || theirs.length !== ours.length || !timingSafeEqual(ours, theirs)) {
      throw new Fault(403, 'This form was not made for this browser. Are cookies off?', here(id));
    }
    const prompt: Prompt = await api.current(id);
    if (`${prompt.step}` === step && prompt.type !== 'response' && prompt.type !== 'error') {
      const given = await answer(prompt, fields);
      if (typeof given === 'string') return show(response, 422, browser, prompt, given);
      await api.answer(prompt, given as never); // `answer` made it for this type of prompt
    }
    return send(response, 303, '', { Location: here(id) }); // so that the back button sends no form twice
  }
  const id = searchParams.get('interaction');
  if (!id) throw new Fault(400, 'Sign-ins begin at the app that you want to use.');
  const prompt = await api.current(id);
  if (prompt.type === 'error') throw new Fault(400, `The app made a mistake: ${prompt.error.error_description}`);
  if (prompt.type === 'response') { // to the server's /resume, where it all takes effect
    const { uri } = prompt.response.delivery;
    return uri ? send(response, 303, '', { Location: uri }) : page(response, 200, '<p>You can close this page.</p>');
  }
  show(response, 200, browser, prompt, form(prompt, '', undefined, searchParams.has('other')));
}

/** What went wrong, as a page. */
function fault(error: unknown, request: IncomingMessage): Fault {
  if (error instanceof Fault) return error;
  const id = new URL(request.url ?? '/', 'http://localhost').searchParams.get('interaction');
  const again = id ? here(id) : undefined;
  if (error instanceof InteractionError && [404, 410].includes(error.status)) {
    return new Fault(error.status, 'This sign-in is over. Begin again at the app you came from.', error.problem?.restart_uri);
  }
  console.error(error instanceof InteractionError ? `${error.message} ${JSON.stringify(error.problem?.errors)}` : error);
  return new Fault(503, 'That did not work. Try again in a moment.', again);
}

const [command, ...words] = process.argv.slice(2);
const [host, port] = LISTEN.split(':');
if (command === 'add' && words.length === 3) await add(words[0] as string, words[1] as string, words[2] as string);
else if (token === '' || command !== undefined) throw new Error('UI_TOKEN=… node dist/login.js, or node dist/login.js add NAME FULL-NAME EMAIL');
else createServer((request, response) => {
  handle(request, response).catch((error) => {
    const { status, message, link } = fault(error, request);
    const on = link ? `<p><a id="try-again" href="${escape(link)}">Go on</a></p>` : '';
    page(response, status, `<div id="error-page"><p>${escape(message)}</p>${on}</div>`);
  });
}).listen(Number(port), host);
