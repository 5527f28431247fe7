// Writes RESULTS.md: how the last run of each plan ended.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';

import { DATA } from './data.mjs';
import { expectation, surprises } from './expected.mjs';
import { PLANS } from './plans.mjs';

const FILE = new URL('../RESULTS.md', import.meta.url);

const HEAD = `# Results

How the last runs of the OpenID Foundation's conformance suite against Placet ended, on a machine of ours. They say what
the suite saw there and then. They are no certification, and Placet is not certified. The plans for shared signals (SSF, CAEP)
are not run: Placet has no transmitter.

A plan's modules end as passed, as *review* (passed, and a person should look at the picture of a page that was handed in;
nobody of the Foundation did), with a warning, skipped, or failed. Every warning, skip and failure that is known has its
reason below. *Build* is what Git called the sources. Written by \`conformance/run --report\`.
`;

export function writeReport() {
  const runs = PLANS.flatMap((plan) => {
    const file = `${DATA}/results/${plan.name}.json`;
    return existsSync(file) ? [{ ...plan, ...JSON.parse(readFileSync(file, 'utf8')) }] : [];
  });
  const missing = PLANS.filter(({ name }) => !runs.some((run) => run.name === name)).map(({ name }) => `\`${name}\``);
  const text = [
    HEAD,
    '| Plan | Build | Suite | Date | Modules | Passed | Review | Warning | Skipped | Failed | Not as expected |',
    '|---|---|---|---|---|---|---|---|---|---|---|',
    ...runs.map((run) => row(`${run.name}${run.complete === false ? ', not all' : ''}`, [run])),
    row('all', runs),
    '',
    ...(missing.length ? [`Not run: ${missing.join(', ')}.`, ''] : []),
    '## What is otherwise than passed, and why',
    '',
    ...reasons(runs),
    ...open(runs),
    '## The variants',
    '',
    '| Plan | Plan of the suite | Variant |',
    '|---|---|---|',
    ...runs.map(({ name, plan, variant }) => `| ${name} | \`${plan}\` | ${Object.entries(variant).map(([key, value]) => `${key}=${value}`).join(', ')} |`),
    '',
  ];
  writeFileSync(FILE, text.join('\n'));
}

/** One line of the table, of the modules of some runs. */
function row(title, runs) {
  const modules = runs.flatMap((run) => run.modules);
  const each = (values) => [...new Set(values)].sort().join(', ');
  const count = (...results) => modules.filter(({ result }) => results.includes(result)).length;
  const other = modules.length - count('PASSED', 'REVIEW', 'WARNING', 'SKIPPED');
  const unexpected = runs.flatMap((run) => run.modules.filter((outcome) => surprises(run.name, outcome).length)).length;
  const facts = [each(modules.map(({ build }) => build ?? '?')), each(runs.map(({ version }) => version)), each(runs.map(({ date }) => date))];
  const counts = [modules.length, count('PASSED'), count('REVIEW'), count('WARNING'), count('SKIPPED'), other, unexpected];
  return `| ${[title, ...facts, ...counts].join(' | ')} |`;
}

/** One line for each entry of the list that happened. */
function reasons(runs) {
  const seen = new Map();
  for (const { name, modules } of runs) {
    for (const outcome of modules) {
      const all = outcome.result === 'SKIPPED' ? [...outcome.findings, { result: 'SKIPPED' }] : outcome.findings;
      for (const finding of all) {
        const entry = expectation(name, outcome.module, finding);
        if (entry) seen.set(entry, (seen.get(entry) ?? new Set()).add(outcome.module));
      }
    }
  }
  if (!seen.size) return ['Nothing.', ''];
  const line = ([{ result, condition, reason }, modules]) =>
    `| ${result.toLowerCase()} | ${condition ?? ''} | ${[...modules].map((module) => `\`${module}\``).join(', ')} | ${reason} |`;
  return ['| | Condition | Modules | Why |', '|---|---|---|---|', ...[...seen].map(line), ''];
}

/** What nobody expected and nobody explained. */
function open(runs) {
  const lines = runs.flatMap(({ name, modules }) => modules.flatMap((outcome) => surprises(name, outcome)
    .map(({ result, condition, message }) => `| ${name} | \`${outcome.module}\` | ${result.toLowerCase()} | ${condition ?? ''} | ${(message ?? '').replaceAll('|', '\\|').replaceAll('\n', ' ')} |`)));
  return lines.length ? ['## Not explained', '', '| Plan | Module | | Condition | What the suite says |', '|---|---|---|---|---|', ...lines, ''] : [];
}
