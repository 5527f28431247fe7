// A server whose clients ask users who are elsewhere (OpenID CIBA), a directory that knows whom they mean, and a listener
// for what these clients are sent.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import * as client from 'openid-client';

import { CLIENT_SECRET, freePorts, start } from './stand.mjs';

const SECRET = 'whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=';
const USERS = '[[user]]\nusername = "alice"\nsub = "alice"\n\n[user.claims]\nemail = "alice@directory.example"\n';
/** With what the server shows that it is the server. */
export const NOTIFICATION = 'notification-token-8d67dc78-7faa-4d41-aabd';

/** Starts them: the clients are `desk` (poll), `bell` (ping) and `letter` (push). */
export async function startDesk() {
  const folder = mkdtempSync(join(tmpdir(), 'placet-ciba-'));
  const [port, notify] = await freePorts(2);
  writeFileSync(join(folder, 'users.toml'), USERS);
  writeFileSync(join(folder, 'directory.toml'), `[source]\nkind = "users"\npath = "${join(folder, 'users.toml')}"\n`);
  const calls = [];
  const receiver = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (part) => (body += part)).on('end', () => {
      calls.push({ authorization: request.headers.authorization, body: JSON.parse(body) });
      response.writeHead(204).end();
    });
  });
  await new Promise((ready) => receiver.listen(notify, '127.0.0.1', ready));
  const caller = (id, mode, more = []) => [
    '[[clients]]',
    `client_id = "${id}"`,
    `secret = "${CLIENT_SECRET}"`,
    '[clients.metadata]',
    'client_name = "Acme Phone Desk"',
    'grant_types = ["urn:openid:params:grant-type:ciba", "refresh_token"]',
    'response_types = []',
    'scope = "openid profile email offline_access"',
    `backchannel_token_delivery_mode = "${mode}"`,
    ...more,
  ];
  const called = [`backchannel_client_notification_endpoint = "http://127.0.0.1:${notify}/"`];
  const stand = await start({
    demo: false,
    more: [
      ...caller('desk', 'poll'),
      ...caller('bell', 'ping', called),
      ...caller('letter', 'push', called),
      '[ciba]',
      'interval = 1',
      '[[policy]]',
      'name = "directory"',
      'types = ["ciba.request"]',
      `url = "http://127.0.0.1:${port}"`,
      '[policy.auth.sign]',
      `secret = "${SECRET}"`,
    ].join('\n'),
  });
  await stand.run('placet-directory', port, ['--config', join(folder, 'directory.toml')], {
    PLACET_SECRET: SECRET,
    PORT: String(port),
  });
  return {
    stand,
    /** What the clients were sent so far. */
    calls,
    /** What comes as this one, from 1. */
    async called(count) {
      for (let i = 0; i < 100 && calls.length < count; i += 1) await sleep(50);
      assert.equal(calls.length, count);
      return calls.at(-1);
    },
    discover: (id) =>
      client.discovery(new URL(stand.issuer), id, CLIENT_SECRET, client.ClientSecretBasic(), {
        execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks],
      }),
    async stop() {
      receiver.close();
      await stand.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
