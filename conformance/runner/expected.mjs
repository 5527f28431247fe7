// What is expected to be otherwise than passed, each with its reason: `expected.json`.

import { readFileSync } from 'node:fs';

const LIST = JSON.parse(readFileSync(new URL('../expected.json', import.meta.url), 'utf8'));

const matches = (pattern, text) =>
  new RegExp(`^${pattern.split('*').map((part) => part.replace(/[^\w-]/g, '\\$&')).join('.*')}$`).test(text);

/** The entry of the list that covers a warning, a failure or a skip of a module. */
export function expectation(plan, module, { result, condition }) {
  return LIST.find((entry) => entry.result === result && matches(entry.plan ?? '*', plan) && matches(entry.module, module)
    && (!entry.condition || entry.condition === condition));
}

/** What of a module's outcome nobody expects, one line each. */
export function surprises(plan, outcome) {
  const all = [...outcome.findings];
  if (outcome.status !== 'FINISHED') all.push({ result: 'FAILURE', condition: outcome.status, message: 'it did not finish' });
  if (outcome.result === 'SKIPPED') all.push({ result: 'SKIPPED' });
  if (outcome.result === 'FAILED' && !outcome.findings.length) all.push({ result: 'FAILURE', condition: 'result', message: 'failed' });
  return all.filter((finding) => !expectation(plan, outcome.module, finding));
}
