// Starts everything that the plans need except the suite: Placet in development mode over TLS, its login app behind TLS, the
// directory that finds users by name, and a resource server. Keys and secrets are made at the first start.

import { spawn } from 'node:child_process';
import { existsSync, openSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { join, resolve } from 'node:path';

import { DATA, ROOT, keepBuild, prepareData } from './data.mjs';
import { ADDRESS, LOGIN, OP, PORTS, RESOURCE } from './hosts.mjs';
import { Keys } from './keys.mjs';
import { startResource } from './resource.mjs';
import { POLICY_SECRET, serverConfiguration, webhookSecret } from './server.mjs';

prepareData();
const keys = new Keys(DATA);
const file = (name) => join(DATA, name);
const bin = resolve(process.env.PLACET_BIN ?? join(process.env.CARGO_TARGET_DIR ?? join(ROOT, 'target'), 'release'));
if (!existsSync(join(bin, 'placet'))) throw new Error(`there is no placet in ${bin}; build it, or name its folder in PLACET_BIN`);

keepBuild();
writeFileSync(file('placet.toml'), serverConfiguration(DATA, keys));
writeFileSync(file('directory.toml'), `[source]\nkind = "users"\npath = ${JSON.stringify(file('users.toml'))}\n`);

const children = [];
function start(program, args, env = {}) {
  const log = openSync(file(`${program}.log`), 'w');
  const child = spawn(join(bin, program), args, { env: { ...process.env, ...env }, stdio: ['ignore', log, log] });
  child.on('exit', (code) => {
    console.error(`${program} ended (${code}); see ${file(`${program}.log`)}`);
    stop(1);
  });
  children.push(child);
}

function stop(code) {
  for (const child of children) {
    child.removeAllListeners('exit');
    child.kill();
  }
  process.exit(code);
}

start('placet', ['dev', '--profile', 'conformance', '--config', file('placet.toml')], { PLACET_ADMIN_TOKEN: keys.secret('admin-token').value });
start('placet-login', [
  'serve', '--dev', '--listen', `127.0.0.1:${PORTS.loginInside}`, '--public-url', `${LOGIN}/`,
  '--api', `http://127.0.0.1:${PORTS.private}/ui/v1`, '--token-file', keys.secret('ui-token').file,
  '--users', file('users.toml'), '--acr', 'urn:placet:acr:pwd,0,1,urn:mace:incommon:iap:silver',
]);
// The login app makes the users that the directory knows.
while (!existsSync(file('users.toml'))) await new Promise((made) => setTimeout(made, 100));
start('placet-directory', ['--config', file('directory.toml')], {
  HOST: '127.0.0.1', PORT: String(PORTS.directory), PLACET_SECRET: webhookSecret(keys.secret(POLICY_SECRET).value),
});

const tls = keys.certificate('server', '/CN=op.test', ['op.test', 'login.test']);
https.createServer({ key: tls.pem.key, cert: tls.pem.cert }, (request, response) => {
  const { method, url, headers } = request;
  const inner = http.request({ host: '127.0.0.1', port: PORTS.loginInside, method, path: url, headers }, (answer) => {
    response.writeHead(answer.statusCode, answer.rawHeaders);
    answer.pipe(response);
  });
  inner.on('error', () => response.writeHead(502).end());
  request.pipe(inner);
}).listen(PORTS.login, ADDRESS);
await startResource({ port: PORTS.resource, tls, api: { id: 'accounts-api', secret: keys.secret('accounts-api.secret').value } });

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => stop(0));
console.log(`${OP} serves; sign-in at ${LOGIN}, accounts at ${RESOURCE}\nthe rest is in ${DATA}; Ctrl-C ends all of it`);
