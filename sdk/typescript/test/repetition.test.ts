import assert from "node:assert/strict";
import { test } from "node:test";
import { deny } from "@placet/sdk";
import { ask, exchange, sidecar } from "./asking.js";

/** A sidecar whose answers tell how often it decided. */
function counting() {
  const handler = sidecar({ "grant.token_exchange": (x) => x.allow().tag("count", String(++counter.count)) });
  const counter = { handler, count: 0 };
  return counter;
}

test("the same question gets the same answer, also as the second attempt", async () => {
  const counter = counting();
  const envelope = exchange();
  const first = await (await ask(counter.handler, envelope)).text();
  const again = { ...envelope, attempt: 2, deadline: "2026-11-23T09:20:01.920Z" };
  assert.equal(await (await ask(counter.handler, again)).text(), first);
  assert.equal(counter.count, 1);
});

test("one id for another question is another question", async () => {
  const counter = counting();
  const envelope = exchange();
  await ask(counter.handler, envelope);
  const other = { ...envelope, subject: { sub: "bob", type: "user", source: "subject_token" } as const };
  const answer = (await (await ask(counter.handler, other)).json()) as { tags: object };
  assert.deepEqual(answer.tags, { count: "2" });
});

test("two who ask the same at the same time share one decision", async () => {
  const counter = counting();
  const envelope = exchange();
  const answers = await Promise.all(Array.from({ length: 50 }, () => ask(counter.handler, envelope)));
  assert.ok(answers.every((answer) => answer.status === 200));
  assert.equal(counter.count, 1);
});

test("who asks again waits as long as its own deadline says, not that of the first", async () => {
  let decide: () => void = () => {};
  const decided = new Promise<void>((resolve) => {
    decide = resolve;
  });
  let count = 0;
  const handler = sidecar({
    "grant.token_exchange": async (x) => {
      count += 1;
      await decided;
      return x.allow();
    },
  });
  const envelope = exchange();
  const first = ask(handler, envelope, { headers: { "placet-timeout-ms": "50" } });
  const second = ask(handler, { ...envelope, attempt: 2 }, { headers: { "placet-timeout-ms": "10000" } });
  assert.equal((await first).status, 504);
  decide();
  assert.equal((await second).status, 200);
  assert.equal(count, 1);
});

test("an answer is kept for five minutes", async (t) => {
  t.mock.timers.enable({ apis: ["Date"], now: 1_795_428_300_000 });
  const counter = counting();
  const envelope = exchange();
  await ask(counter.handler, envelope);
  t.mock.timers.tick(299_999);
  await ask(counter.handler, envelope);
  assert.equal(counter.count, 1);
  t.mock.timers.tick(1);
  await ask(counter.handler, envelope);
  assert.equal(counter.count, 2);
});

test("of the answers that are kept, the oldest go first", async () => {
  const big = { big: "x".repeat(60 * 1024) };
  let count = 0;
  const handler = sidecar({ "grant.token_exchange": (x) => x.allow({ data: big }).tag("count", String(++count)) });
  const oldest = exchange();
  await ask(handler, oldest);
  const questions = Array.from({ length: 300 }, () => exchange());
  for (const asked of questions) await ask(handler, asked);
  assert.equal(count, 301);
  await ask(handler, questions.at(-1) as never);
  assert.equal(count, 301);
  await ask(handler, oldest);
  assert.equal(count, 302);
});

test("a failure is not kept", async () => {
  let healthy = false;
  const handler = sidecar({
    "grant.token_exchange": (x) => {
      if (!healthy) throw new Error("not yet");
      return x.allow();
    },
  });
  const envelope = exchange();
  assert.equal((await ask(handler, envelope)).status, 500);
  healthy = true;
  assert.equal((await ask(handler, envelope)).status, 200);
});

test("a handler is told when the server's patience ends, and the server that it got no answer", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { promise: entered, resolve: enter } = withResolvers<AbortSignal>();
  const handler = sidecar({
    "grant.token_exchange": (x) => {
      enter(x.signal);
      return new Promise(() => undefined);
    },
  });
  const answer = ask(handler, exchange(), { headers: { "placet-timeout-ms": "1000" } });
  const signal = await entered;
  t.mock.timers.tick(799);
  assert.equal(signal.aborted, false);
  t.mock.timers.tick(1);
  assert.equal(signal.reason.name, "TimeoutError");
  assert.equal((await answer).status, 504);
});

test("nobody is waited for longer than ten seconds, whatever a header says", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  for (const header of ["999999999", "-5", "soon", undefined]) {
    const { promise: entered, resolve: enter } = withResolvers<AbortSignal>();
    const handler = sidecar({
      "grant.token_exchange": (x) => {
        enter(x.signal);
        return new Promise(() => undefined);
      },
    });
    const answer = ask(handler, exchange(), { headers: header === undefined ? {} : { "placet-timeout-ms": header } });
    const signal = await entered;
    t.mock.timers.tick(7_999);
    assert.equal(signal.aborted, false);
    t.mock.timers.tick(1);
    assert.equal((await answer).status, 504);
  }
});

test("what a handler gives after the end counts for nothing, also if it is an error", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { promise: entered, resolve: enter } = withResolvers<void>();
  const { promise: late, reject } = withResolvers<never>();
  const handler = sidecar({
    "grant.token_exchange": () => {
      enter();
      return late;
    },
  });
  const answer = ask(handler, exchange(), { headers: { "placet-timeout-ms": "100" } });
  await entered;
  t.mock.timers.tick(100);
  assert.equal((await answer).status, 504);
  reject(new Error("too late"));
  await new Promise(setImmediate);
  assert.equal(handler.errors.length, 1);
});

test("an answer in time leaves no timer behind", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const signals: AbortSignal[] = [];
  const handler = sidecar({
    "grant.token_exchange": (x) => {
      signals.push(x.signal);
      return deny("access_denied");
    },
  });
  assert.equal((await ask(handler, exchange())).status, 200);
  t.mock.timers.tick(20_000);
  assert.equal(signals[0]?.aborted, false);
});

function withResolvers<T>() {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
