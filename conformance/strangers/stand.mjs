// Starts the three programs of a sign-in on free ports, with data folders that are thrown away, and stops them.

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';

/** The token of the login app, as `placet dev` publishes it. */
export const UI_TOKEN = 'placet-development-ui-token-0123456789';
/** The secret of the demo app, as `placet dev` publishes it. */
export const CLIENT_SECRET = 'demo-secret-for-development-only-0123456789';

const START_MS = 30_000;
const STOP_MS = 10_000;

const here = dirname(fileURLToPath(import.meta.url));
const bin = process.env.PLACET_BIN_DIR ?? join(here, '..', '..', 'target', 'debug');

/** Ports that nobody listens on now, all different. */
export async function freePorts(count) {
  const held = [];
  for (let i = 0; i < count; i += 1) {
    const server = createServer();
    await new Promise((ready, failed) => server.once('error', failed).listen(0, '127.0.0.1', ready));
    held.push(server);
  }
  const ports = held.map((server) => server.address().port);
  await Promise.all(held.map((server) => new Promise((closed) => server.close(closed))));
  return ports;
}

function listens(port) {
  return new Promise((answer) => {
    const socket = connect(port, '127.0.0.1');
    const say = (is) => {
      socket.destroy();
      answer(is);
    };
    socket.once('connect', () => say(true)).once('error', () => say(false));
  });
}

/** A program, what it printed, and how to end it. */
class Program {
  constructor(name, args, cwd, settings = {}) {
    const path = resolve(bin, name);
    if (!existsSync(path)) throw new Error(`${path} is missing: build the workspace first`);
    this.name = name;
    this.output = '';
    // Settings of the caller must not leak into the programs under test.
    const env = Object.fromEntries(Object.entries(process.env).filter(([key]) => !key.startsWith('PLACET_')));
    this.child = spawn(path, args, { cwd, env: { ...env, ...settings }, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => (this.output += text));
    }
    this.ended = new Promise((done) => {
      this.child.once('error', (error) => done(String(error)));
      this.child.once('exit', (code, signal) => done(`it ended: ${code ?? signal}`));
    });
  }

  async listening(port) {
    let end;
    this.ended.then((how) => (end = how));
    for (const until = Date.now() + START_MS; Date.now() < until; await sleep(25)) {
      if (end !== undefined) break;
      if (await listens(port)) return;
    }
    throw new Error(`${this.name} does not listen on ${port}: ${end ?? 'too slow'}\n${this.output}`);
  }

  /** Ends it at once, whatever it is doing. */
  async kill() {
    this.child.kill('SIGKILL');
    await this.ended;
  }

  async stop() {
    this.child.kill('SIGTERM');
    const late = setTimeout(() => this.child.kill('SIGKILL'), STOP_MS);
    await this.ended;
    clearTimeout(late);
  }
}

const array = (values) => `[${values.map((v) => JSON.stringify(v)).join(', ')}]`;

/**
 * Starts a server, its login app and the demo app.
 *
 * `loginHost` and `appHost` are names that the browser knows them by; `lifetimes` are settings of the server, `more`
 * is the end of its configuration; with `https` it brings the certificate. `loginApp` says how another login app than
 * that of this repository is started: its program, its arguments and its environment.
 */
export async function start({
  loginHost = 'localhost', appHost = 'localhost', lifetimes = {}, demo = true, https = false, more = '',
  loginApp,
} = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'placet-strangers-'));
  const [port, privatePort, loginPort, appPort] = await freePorts(4);
  const issuer = `${https ? 'https' : 'http'}://localhost:${port}`;
  const login = `http://${loginHost}:${loginPort}`;
  const app = `http://${appHost}:${appPort}`;
  const api = `http://127.0.0.1:${privatePort}/ui/v1`;
  const config = join(dir, 'placet.toml');
  writeFileSync(
    config,
    [
      `issuer = "${issuer}"`,
      `listen = "127.0.0.1:${port}"`,
      `private_listen = "127.0.0.1:${privatePort}"`,
      `data_dir = ${JSON.stringify(join(dir, 'data'))}`,
      '[lifetimes]',
      ...Object.entries(lifetimes).map(([name, seconds]) => `${name} = ${seconds}`),
      '[[ui]]',
      'name = "login"',
      `login_uri = "${login}/"`,
      `token_sha256 = ["${createHash('sha256').update(UI_TOKEN).digest('hex')}"]`,
      'capabilities = ["set_tokens", "sessions", "authorizations", "report"]',
      '[[clients]]',
      'client_id = "demo"',
      `secret = "${CLIENT_SECRET}"`,
      '[clients.metadata]',
      'client_name = "Demo app"',
      `client_uri = "${app}/"`,
      `redirect_uris = ${array([`${app}/callback`])}`,
      `post_logout_redirect_uris = ${array([`${app}/`])}`,
      // Elsewhere it would have to be https.
      ...(appHost === 'localhost' ? [`initiate_login_uri = "${app}/login"`] : []),
      `grant_types = ${array(['authorization_code', 'refresh_token', 'client_credentials'])}`,
      'scope = "openid profile email address phone offline_access reports.read"',
      more,
      '',
    ].join('\n'),
  );
  const programs = [];
  const stand = {
    issuer,
    login,
    app,
    api,
    /** What a program printed so far. */
    output: (name) => programs.findLast((p) => p.name === name)?.output,
    /** The interaction API, as the login app may use it. */
    async ui(path, method = 'GET') {
      const answer = await fetch(`${api}${path}`, { method, headers: { authorization: `Bearer ${UI_TOKEN}` } });
      if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
      return answer.status === 204 ? undefined : answer.json();
    },
    /** What the server keeps of a user: `sessions`, `consents` or `authorizations`. */
    kept: async (what, sub) => (await stand.ui(`/${what}?sub=${encodeURIComponent(sub)}`)).items,
    /** Makes the server forget what earlier tests left of its users. */
    async forget(...subs) {
      for (const sub of subs) {
        for (const what of ['consents', 'authorizations', 'sessions']) {
          for (const { id } of await stand.kept(what, sub)) await stand.ui(`/${what}/${id}`, 'DELETE');
        }
      }
    },
    async stop() {
      await Promise.all(programs.map((program) => program.stop()));
      rmSync(dir, { recursive: true, force: true });
    },
  };
  const run = async (name, at, args, settings) => {
    const program = new Program(name, args, dir, settings);
    program.started = [at, args, settings];
    programs.push(program);
    await program.listening(at);
    return program;
  };
  /** Starts another program, and waits until it listens; it is stopped with the others. */
  stand.run = run;
  const latest = (name) => programs.findLast((program) => program.name === name);
  /** Ends a program at once, whatever it is doing. */
  stand.killed = (name) => latest(name).kill();
  /** Starts a program again, as it was started. */
  stand.again = (name) => run(name, ...latest(name).started);
  const serve = () => run('placet', port, ['--config', config, 'dev']);
  try {
    let server = await serve();
    /** Kills the server, whatever it is doing, and starts it again. */
    stand.crash = async () => {
      await server.kill();
      server = await serve();
    };
    const users = join(dir, 'users.toml');
    if (loginApp) await run(...loginApp({ dir, api, login, port: loginPort }));
    else await run('placet-login', loginPort, [
      'serve', '--dev', '--listen', `127.0.0.1:${loginPort}`, '--public-url', `${login}/`, '--api', api,
      '--token', UI_TOKEN, '--users', users,
    ]);
    if (demo) {
      await run('placet-demo', appPort, ['--listen', `127.0.0.1:${appPort}`, '--issuer', issuer, '--public-url', app]);
    }
  } catch (error) {
    await stand.stop();
    throw error;
  }
  return stand;
}

/** Starts `placet mock`, and the login app as the app under test. */
export async function startMock() {
  const dir = mkdtempSync(join(tmpdir(), 'placet-mock-'));
  const [port, loginPort] = await freePorts(2);
  const login = `http://localhost:${loginPort}`;
  const mock = `http://localhost:${port}`;
  const programs = [];
  const run = async (name, at, args) => {
    const program = new Program(name, args, dir);
    programs.push(program);
    await program.listening(at);
  };
  const stand = {
    login,
    mock,
    async stop() {
      await Promise.all(programs.map((program) => program.stop()));
      rmSync(dir, { recursive: true, force: true });
    },
  };
  try {
    await run('placet', port, ['mock', '--ui', `${login}/`, '--port', String(port)]);
    await run('placet-login', loginPort, [
      'serve', '--dev', '--listen', `127.0.0.1:${loginPort}`, '--public-url', `${login}/`,
      '--api', `http://127.0.0.1:${port}/ui/v1`, '--token', UI_TOKEN, '--users', join(dir, 'users.toml'),
    ]);
  } catch (error) {
    await stand.stop();
    throw error;
  }
  return stand;
}
