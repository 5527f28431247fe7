// Runs plans of the OpenID Foundation's conformance suite against Placet.

import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { launch } from './browser.mjs';
import { configurationOf } from './configuration.mjs';
import { DATA, build, prepareData } from './data.mjs';
import { surprises } from './expected.mjs';
import { Keys } from './keys.mjs';
import { runModule, stopAll } from './module.mjs';
import { chosen } from './plans.mjs';
import { writeReport } from './report.mjs';
import * as suite from './suite.mjs';

const USAGE = `usage: conformance/run [--jobs N] [--modules PATTERN] [--resume] [PLAN…]
       conformance/run --list | --report | --configurations

Runs the plans with these names, in which a star stands for anything, or all of them, against a server that
conformance/serve started. The suite is at CONFORMANCE_SERVER, default https://suite.test:8443.

  --jobs N            how many plans run at once, default 2
  --modules PATTERN   only these modules of each plan; a star stands for anything
  --resume            only modules that have no result yet
  --list              the plans
  --configurations    write the suite's configuration of each plan into the data folder, to be used by hand
  --report            write RESULTS.md from the last results of each plan`;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    jobs: { type: 'string', default: '2' },
    modules: { type: 'string' },
    resume: { type: 'boolean' },
    list: { type: 'boolean' },
    report: { type: 'boolean' },
    configurations: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  },
});

const keys = new Keys(DATA);
prepareData();
if (options.help) console.log(USAGE);
else if (options.list) for (const { name, plan, variant } of chosen(positionals)) console.log(name.padEnd(36), plan, JSON.stringify(variant));
else if (options.report) writeReport();
else if (options.configurations) for (const plan of chosen(positionals)) save(`${plan.name}.json`, configurationOf(plan, keys));
else process.exitCode = await runAll(chosen(positionals), Number(options.jobs));

function save(name, value) {
  writeFileSync(`${DATA}/${name}`, `${JSON.stringify(value, null, 1)}\n`);
}

/** Runs plans, several at once unless they have their clients in common. Tells the exit code. */
async function runAll(plans, jobs) {
  if (!plans.length) throw new Error('there is no such plan; see --list');
  const version = await suite.version();
  const browser = await launch();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => stopAll().finally(() => process.exit(1)));
  const waiting = [...plans];
  const busy = new Set();
  let bad = 0;
  const worker = async () => {
    while (waiting.length) {
      const at = waiting.findIndex(({ family }) => !family || !busy.has(family));
      if (at < 0) {
        await new Promise((resolve) => setTimeout(resolve, 1000));
        continue;
      }
      const [plan] = waiting.splice(at, 1);
      if (plan.family) busy.add(plan.family);
      const unexpected = await runPlan(plan, browser, version).catch((error) => {
        console.error(`${plan.name}: ${error.message}`);
        return 1;
      });
      // Added when it is known: others add to it meanwhile.
      bad += unexpected;
      busy.delete(plan.family);
    }
  };
  await Promise.all(Array.from({ length: jobs }, worker));
  await browser.close();
  console.log(bad ? `${bad} modules ended otherwise than expected` : 'everything ended as expected');
  return bad ? 1 : 0;
}

/** Runs the modules of a plan, and keeps how each ended. Tells how many ended otherwise than expected. */
async function runPlan(plan, browser, version) {
  const made = await suite.createPlan(plan.plan, plan.variant, configurationOf(plan, keys));
  const pattern = options.modules && new RegExp(`^${options.modules.replaceAll('*', '.*')}$`);
  const same = (entry, old) => entry.testModule === old.module && JSON.stringify(entry.variant) === JSON.stringify(old.variant);
  const before = pattern || options.resume ? previous(plan.name) : [];
  const wanted = made.modules
    .filter(({ testModule }) => !pattern || pattern.test(testModule))
    .filter((entry) => !options.resume || !before.some((old) => same(entry, old)));
  const outcomes = before.filter((old) => !wanted.some((entry) => same(entry, old)));
  let bad = 0;
  for (const entry of wanted) {
    const outcome = await runModule(made.id, entry, browser).catch((error) => ({
      module: entry.testModule, variant: entry.variant, status: 'INTERRUPTED', result: 'FAILED',
      findings: [{ result: 'FAILURE', condition: 'runner', message: error.message }],
    }));
    outcomes.push({ ...outcome, build: build() });
    const date = new Date().toISOString().slice(0, 10);
    const complete = outcomes.length >= made.modules.length;
    save(`results/${plan.name}.json`, { version, date, modules: outcomes, complete });
    bad += tell(plan.name, outcome);
  }
  return bad;
}

/** Prints how a module ended, and 1 if nobody expected that. */
function tell(plan, outcome) {
  const unexpected = surprises(plan, outcome);
  console.log(`${plan}  ${outcome.module}  ${outcome.result ?? outcome.status}  ${outcome.id ?? ''}`);
  for (const { result, condition, message } of unexpected) console.log(`    ${result} ${condition ?? ''}: ${message ?? ''}`);
  return unexpected.length ? 1 : 0;
}

function previous(name) {
  try {
    return JSON.parse(readFileSync(`${DATA}/results/${name}.json`, 'utf8')).modules;
  } catch {
    return [];
  }
}
