// The folder of a run: keys, configurations, state and results. Git does not know it.

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const DATA = resolve(process.env.PLACET_CONFORMANCE_DATA ?? `${ROOT}/data/conformance`);

/** Makes the folder for this user alone. */
export function prepareData() {
  process.umask(0o077);
  mkdirSync(`${DATA}/results`, { recursive: true });
}

/** Keeps which build is served: PLACET_BUILD, or what Git says of this folder, from which the programs are built. */
export function keepBuild() {
  const described = () => execFileSync('git', ['describe', '--always', '--dirty'], { cwd: ROOT }).toString().trim();
  writeFileSync(`${DATA}/build`, process.env.PLACET_BUILD ?? described());
}

/** The build that is served. */
export const build = () => readFileSync(`${DATA}/build`, 'utf8');
