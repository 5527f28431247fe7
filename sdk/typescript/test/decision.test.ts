import assert from "node:assert/strict";
import { test } from "node:test";
import { challenge, type Decision, type DecisionRequest, deny, type Handlers } from "@placet/sdk";
import { ask, exchange, question, sidecar } from "./asking.js";

/** What a sidecar decides, asked over HTTP. */
async function decided(handlers: Handlers, envelope: DecisionRequest, options = {}): Promise<Decision> {
  const handler = sidecar(handlers, options);
  const response = await ask(handler, envelope);
  assert.equal(response.status, 200, String(handler.errors));
  const { id, ...decision } = (await response.json()) as Decision;
  assert.equal(id, envelope.id);
  return decision as Decision;
}

/** What goes wrong in a handler. */
async function failure(handlers: Handlers, envelope = exchange()): Promise<string> {
  const handler = sidecar(handlers);
  assert.equal((await ask(handler, envelope)).status, 500);
  return String(handler.errors[0]);
}

test("a policy narrows what is granted, and says why", async () => {
  const decision = await decided(
    {
      "grant.token_exchange": (x) => {
        if (!x.actor) return deny("invalid_request", "actor_token required");
        const scope = x.limits.scope.filter((value) => value.startsWith("shipping."));
        return x
          .allow({ scope, access_token: { lifetime: x.limits.lifetime(120) }, data: { ticket: null } })
          .reason("delegation_ok", "may_act names the actor")
          .tag("actor", x.actor.sub)
          .cache(20, 60);
      },
    },
    exchange(),
    { name: "delegation", version: "3" },
  );
  assert.deepEqual(decision, {
    decision: "allow",
    set: { grant: { scope: ["shipping.quote"], access_token: { lifetime: 120 }, data: { ticket: null } } },
    reason: { code: "delegation_ok", detail: "may_act names the actor" },
    tags: { actor: "svc-orders" },
    cache: { max_age: 20, stale_if_error: 60 },
    policy: { name: "delegation", version: "3" },
  });
});

test("a denial says what the client is told", async () => {
  const no = deny("invalid_target", "not available", "https://policy.example/help").reason("no_contract").cache(5);
  assert.deepEqual(await decided({ "grant.token_exchange": async () => no }, exchange()), {
    decision: "deny",
    error: { code: "invalid_target", description: "not available", uri: "https://policy.example/help" },
    reason: { code: "no_contract" },
    cache: { max_age: 5 },
  });
});

test("a challenge says what is needed", async () => {
  const demand = { kind: "step_up", acr_values: ["urn:acme:loa:2"], max_age: 0, message: "Confirm it is you" } as const;
  const envelope = question("interaction.evaluate", { interaction: { id: "ia_1", kind: "device", stage: "evaluate" } });
  const decision = await decided(
    { "interaction.evaluate": () => challenge({ ...demand, acr_values: [...demand.acr_values] }).tag("risk", "high") },
    envelope,
  );
  assert.deepEqual(decision, { decision: "challenge", challenge: demand, tags: { risk: "high" } });
});

test("each type has its section, and a patch goes to the grant or to what the type is about", async () => {
  const claims = { target: "userinfo", requested: [{ name: "email", essential: true }] };
  const asked = question("claims.source", { claims, limits: { claims: { names: ["email"], max_bytes: 100 } } });
  const decision = await decided(
    {
      "claims.source": (x) => {
        assert.equal(x.section, x.claims);
        assert.equal(x.section.requested[0]?.name, "email");
        return x.allow({ email: "alice@example.com" }).set("claim_sources", { bank: { claims: ["iban"] } });
      },
    },
    asked,
  );
  assert.deepEqual(decision.set, {
    claims: { email: "alice@example.com" },
    claim_sources: { bank: { claims: ["iban"] } },
  });
  const demand = await decided(
    { "authorization.request": (x) => x.allow().set("demand", { max_age: 900 }) },
    question("authorization.request", { authorization_request: { request: {}, session_present: false } }),
  );
  assert.deepEqual(demand.set, { demand: { max_age: 900 } });
});

test("the limits have short ways to scope and lifetime", async () => {
  const seen: unknown[] = [];
  const handlers: Handlers = {
    "grant.token_exchange": (x) => {
      seen.push(x.limits.scope, x.limits.lifetime(120), x.limits.lifetime(9999), x.limits.grant?.scope);
      return x.allow();
    },
  };
  await decided(handlers, exchange());
  assert.deepEqual(seen, [["shipping.quote", "orders.read"], 120, 300, ["shipping.quote", "orders.read"]]);
  seen.length = 0;
  await decided(handlers, exchange({ limits: {} }));
  assert.deepEqual(seen, [[], 300, 300, undefined]);
  seen.length = 0;
  await decided(handlers, exchange({ proposal: {}, limits: { grant: { scope: [], access_token: { max_lifetime: 200 } } } }));
  assert.deepEqual(seen, [[], 120, 200, []]);
  seen.length = 0;
  await decided(handlers, exchange({ proposal: {}, limits: {} }));
  assert.deepEqual(seen, [[], null, null, undefined]);
});

test("an answer can be shared: its methods make new ones", async () => {
  const no = deny("access_denied");
  no.reason("never_seen").tag("never", "seen");
  const { reason, tags } = await decided({ "grant.token_exchange": () => no }, exchange());
  assert.deepEqual([reason, tags], [undefined, undefined]);
});

test("what JSON cannot say is a failure, for it would widen the grant unseen", async () => {
  const wrong = [undefined, Number.NaN, Number.POSITIVE_INFINITY, () => 1, new Date(0), 1n, Symbol("x")];
  for (const value of wrong) {
    const patch = { access_token: { lifetime: value } } as never;
    assert.match(await failure({ "grant.token_exchange": (x) => x.allow(patch) }), /grant\.access_token\.lifetime/);
    assert.match(await failure({ "grant.token_exchange": (x) => x.allow({ scope: [value] as never }) }), /scope\[0\]/);
  }
  const deep: Record<string, unknown> = {};
  deep.deep = deep;
  assert.match(await failure({ "grant.token_exchange": (x) => x.allow({ data: deep }) }), /too deeply/);
});

test("a section that the type does not have, or that is patched twice, is a failure", async () => {
  const other = "session" as "grant";
  assert.match(await failure({ "grant.token_exchange": (x) => x.allow().set(other, {}) }), /cannot set `session`/);
  assert.match(
    await failure({ "grant.token_exchange": (x) => x.allow({ scope: [] }).set("grant", { data: {} }) }),
    /set twice/,
  );
});

test("a handler that gives no answer is a failure", async () => {
  for (const nothing of [undefined, null, true, {}, { decision: "allow" }]) {
    assert.match(await failure({ "grant.token_exchange": () => nothing as never }), /gave no answer/);
  }
});

test("descriptions, tags and times that the server would refuse are failures", async () => {
  for (const description of ['say "no"', "back\\slash", "naïve", "", "line\nbreak", "x".repeat(513)]) {
    assert.throws(() => deny("access_denied", description), /description/);
  }
  let labelled = deny("access_denied");
  for (let i = 0; i < 16; i++) labelled = labelled.tag(`t${i}`, "x");
  assert.throws(() => labelled.tag("t16", "x"), /at most 16/);
  labelled.tag("t15", "y");
  for (const time of [-1, 0.5, Number.NaN]) assert.throws(() => labelled.cache(time), /whole number/);
});

test("a decision of more than 64 KiB is a failure", async () => {
  const data = { big: "x".repeat(64 * 1024) };
  assert.match(await failure({ "grant.token_exchange": (x) => x.allow({ data }) }), /64 KiB/);
});

test("a policy is made of decision points that exist", () => {
  assert.throws(() => sidecar({ "grant.novelty": () => deny("access_denied") } as Handlers), /grant\.novelty/);
  assert.throws(() => sidecar({ "grant.password": true } as unknown as Handlers), /not a function/);
});

test("a policy can be asked without HTTP", async () => {
  const handler = sidecar({ "grant.token_exchange": (x) => x.allow({ scope: x.limits.scope.slice(0, 1) }) });
  const envelope = exchange();
  assert.deepEqual(await handler.decide(envelope), {
    id: envelope.id,
    decision: "allow",
    set: { grant: { scope: ["shipping.quote"] } },
  });
  await assert.rejects(handler.decide(question("claims.source", { claims: {} })), /does not decide/);
});
