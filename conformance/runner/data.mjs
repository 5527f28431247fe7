// The folder of a run: keys, configurations, state and results. Git does not know it.

import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const DATA = resolve(process.env.PLACET_CONFORMANCE_DATA ?? `${ROOT}/data/conformance`);

/** Makes the folder for this user alone. */
export function prepareData() {
  process.umask(0o077);
  mkdirSync(`${DATA}/results`, { recursive: true });
}
