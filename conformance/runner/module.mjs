// Runs one module: starts it, goes where it sends the browser, hands in the pictures it asks for, and waits for its end.

import { User } from './browser.mjs';
import { wishesOf } from './pages.mjs';
import { rotateKeys } from './placet.mjs';
import * as suite from './suite.mjs';

/** How long a module may take, and how often it is looked at. The longest ones wait for something to expire. */
const [DEADLINE, EVERY] = [600_000, 500];
const ENDS = ['FINISHED', 'INTERRUPTED'];
const pause = (time) => new Promise((resolve) => setTimeout(resolve, time));

/** The modules that have begun and not ended. */
const running = new Set();

/** Ends what runs, so that nothing is left behind that the next module of the same alias would be in conflict with. */
export const stopAll = () => Promise.allSettled([...running].map(suite.stopModule));

/** `{ module, variant, id, status, result, findings }`; a finding is a line of the log that is a warning or a failure. */
export async function runModule(plan, entry, browser) {
  const { id } = await suite.createModule(plan, entry);
  running.add(id);
  const wishes = wishesOf(entry.testModule);
  const user = new User(browser, wishes);
  const troubles = [];
  try {
    await drive(id, wishes, user, troubles);
  } finally {
    await user.close();
  }
  const { status, result } = await suite.info(id);
  if (!ENDS.includes(status)) await suite.stopModule(id);
  running.delete(id);
  return { module: entry.testModule, variant: entry.variant, id, status, result, findings: [...findings(await suite.log(id)), ...troubles] };
}

async function drive(id, wishes, user, troubles) {
  const until = Date.now() + DEADLINE;
  let visits = 0;
  for (; Date.now() < until; await pause(EVERY)) {
    const { status, testName } = await suite.info(id);
    if (ENDS.includes(status)) return;
    if (status === 'CONFIGURED' && testName === 'oidcc-server-rotate-keys') await startByHand(id);
    for (const next of await suite.urls(id)) {
      await suite.visited(id, next.url);
      visits += 1;
      const look = wishes.look && visits === 1;
      await user.visit(next, wishes, async (kind, page) => {
        if (kind === wishes.picture) await handIn(id, page);
        return look || (wishes.stop && kind === wishes.picture);
      }).catch((error) => troubles.push({ result: 'FAILURE', condition: 'browser', message: error.message.split('\n')[0] }));
    }
  }
  troubles.push({ result: 'FAILURE', condition: 'runner', message: 'it did not end in time' });
}

/** The one module that does not start by itself looked at the keys already, and then looks for other ones. */
async function startByHand(id) {
  await rotateKeys();
  await suite.startModule(id);
}

async function handIn(id, page) {
  for (const name of await suite.wantedScreenshots(id)) {
    await suite.screenshot(id, name, await page.screenshot());
  }
}

const findings = (log) => log
  .filter(({ result }) => ['WARNING', 'FAILURE', 'INTERRUPTED'].includes(result))
  .map(({ result, src, msg, error }) => ({
    result: result === 'WARNING' ? result : 'FAILURE', condition: src, message: String(error ?? msg).slice(0, 400),
  }));
