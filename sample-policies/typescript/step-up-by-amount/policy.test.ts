import assert from "node:assert/strict";
import { test } from "node:test";
import { cases, question } from "../cases.js";
import { parseAmount, payment } from "./amount.js";
import stepUp, { rulesFrom } from "./policy.js";

for (const [name, holds] of await cases("step-up-by-amount", stepUp)) test(name, holds);

const large = [{ type: "payment", amount: { value: "101", currency: "EUR" } }];
const strong = { sub: "alice", acr: "urn:example:acr:mfa", authenticated_at: "2026-11-23T09:19:00Z" };

test("amounts are exact, and what is no amount is none", () => {
  assert.equal(parseAmount("0.1"), 1000n);
  assert.equal((parseAmount("0.1") ?? 0n) + (parseAmount("0.2") ?? 0n), parseAmount("0.3"));
  for (const wrong of ["", "-1", "1e3", "1,000", " 1", "1.", ".5", "0.00001", "9".repeat(16), 12.5, null, undefined, {}]) {
    assert.equal(parseAmount(wrong), undefined, String(wrong));
  }
});

test("a payment says amount and currency in one of two ways", () => {
  const euros = { amount: 123_5000n, currency: "EUR" };
  assert.deepEqual(payment({ instructedAmount: { amount: "123.50", currency: "EUR" } }), euros);
  assert.deepEqual(payment({ amount: { value: "123.50", currency: "EUR" } }), euros);
  const wrong = [{}, { amount: "123.50" }, { amount: null }, { amount: { value: "1" } }, { amount: { amount: "1", currency: "EUR" } }];
  for (const details of wrong) assert.equal(payment(details), undefined, JSON.stringify(details));
});

test("nobody is strong without a session, a class and a time", async () => {
  const { acr: _acr, ...nameless } = strong;
  const { authenticated_at: _at, ...timeless } = strong;
  for (const session of [null, nameless, timeless, { ...strong, authenticated_at: "lately" }]) {
    const asked = question("interaction.evaluate", { session, proposal: { grant: { authorization_details: large } } });
    assert.equal((await stepUp.decide(asked)).decision, "challenge", JSON.stringify(session));
  }
  const proposal = { grant: { authorization_details: large } };
  const asked = question("interaction.evaluate", { session: strong, proposal });
  assert.equal((await stepUp.decide(asked)).decision, "allow");
});

test("what is proposed counts, and where nothing is proposed, what is requested", async () => {
  const requested = { grant: { requested: { authorization_details: large } } };
  assert.equal((await stepUp.decide(question("interaction.evaluate", requested))).decision, "challenge");
  const narrowed = { ...requested, proposal: { grant: { authorization_details: [] } } };
  assert.equal((await stepUp.decide(question("interaction.evaluate", narrowed))).decision, "allow");
  // A server that sends only what is needed may leave nothing of a request.
  for (const grant of [null, {}, { requested: {} }]) {
    assert.equal((await stepUp.decide(question("interaction.evaluate", { grant }))).decision, "allow");
  }
});

test("rules that make no sense stop the start", () => {
  for (const wrong of [{ PAYMENT_LIMIT: "much" }, { STEP_UP_MAX_AGE: "-1" }, { STEP_UP_ACR: "," }]) {
    assert.throws(() => rulesFrom(wrong), TypeError, JSON.stringify(wrong));
  }
  const rules = { limit: 50_0000n, currency: "CHF", acrValues: ["a", "b"], maxAge: 0 };
  const environment = { PAYMENT_LIMIT: "50", PAYMENT_CURRENCY: "CHF", STEP_UP_ACR: "a,b", STEP_UP_MAX_AGE: "0" };
  assert.deepEqual(rulesFrom(environment), rules);
});
