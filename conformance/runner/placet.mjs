// What the runner asks of the server itself.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { PORTS } from './hosts.mjs';
import { DATA } from './data.mjs';

/** Stages new signing keys, through the admin API. */
export async function rotateKeys() {
  const token = readFileSync(join(DATA, 'admin-token'), 'utf8');
  const answer = await fetch(`http://127.0.0.1:${PORTS.private}/admin/v1/keys:rotate`, {
    method: 'POST', headers: { authorization: `Bearer ${token}` },
  });
  if (!answer.ok) throw new Error(`the keys cannot be rotated: ${answer.status} ${await answer.text()}`);
}
