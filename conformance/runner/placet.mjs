// What the runner asks of the server itself.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { PORTS } from './hosts.mjs';
import { DATA } from './data.mjs';

/** Plans that run at once take turns: one would revoke what the other has just listed. */
let turn = Promise.resolve();

/** Publishes new signing keys, in place of successors that wait already. */
export function rotateKeys() {
  const rotated = turn.then(rotate);
  turn = rotated.catch(() => {});
  return rotated;
}

async function rotate() {
  for (const { kid, state } of (await admin('GET', '/keys')).items) {
    if (state === 'staged') await admin('POST', `/keys/${kid}:revoke`);
  }
  await admin('POST', '/keys:rotate');
}

async function admin(method, path) {
  const token = readFileSync(join(DATA, 'admin-token'), 'utf8');
  const answer = await fetch(`http://127.0.0.1:${PORTS.private}/admin/v1${path}`, {
    method, headers: { authorization: `Bearer ${token}` },
  });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}
