import assert from "node:assert/strict";
import { test } from "node:test";
import { cases, question } from "../cases.js";
import delegation from "./policy.js";

for (const [name, holds] of await cases("delegation", delegation)) test(name, holds);

const actor = { sub: "svc-orders", type: "client", source: "actor_token" };

/** An exchange by `svc-orders` with a token that says this of who may act. */
function exchange(mayAct: unknown, patch: object = {}) {
  const actorToken = { type: "x", origin: "local", claims: { iss: "https://as.example", sub: "svc-orders" } };
  const subjectToken = { claims: { may_act: mayAct } };
  return question("grant.token_exchange", {
    actor,
    token_exchange: { subject_token: subjectToken, actor_token: actorToken },
    limits: { grant: { scope: ["shipping.quote"] } },
    ...patch,
  });
}

test("what is no name of an actor names none", async () => {
  for (const mayAct of [null, "svc-orders", [], {}, { sub: null }, { sub: ["svc-orders"] }, { client_id: "svc-orders" }]) {
    assert.equal((await delegation.decide(exchange(mayAct))).decision, "deny", JSON.stringify(mayAct));
  }
});

test("an actor of the same name at another issuer is somebody else", async () => {
  const { decision } = await delegation.decide(exchange({ sub: "svc-orders", iss: "https://other.example" }));
  assert.equal(decision, "deny");
});

test("where no lifetime can be set, it stays as proposed", async () => {
  const asked = exchange({ sub: "svc-orders" }, { proposal: { grant: { access_token: { lifetime: 300 } } } });
  const { set } = await delegation.decide(asked);
  assert.deepEqual(set, { grant: { scope: ["shipping.quote"], access_token: { lifetime: 300 } } });
});
