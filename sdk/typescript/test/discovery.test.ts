import assert from "node:assert/strict";
import { test } from "node:test";
import type { Handlers, PolicyDocument } from "@placet/sdk";
import { ask, exchange, ORIGIN, question, secret, sidecar } from "./asking.js";

const handlers: Handlers = { "grant.token_exchange": (x) => x.allow(), "grant.password": (x) => x.allow() };
const get = (handler: ReturnType<typeof sidecar>, url: string) => handler(new Request(url));

test("a sidecar describes itself at the well-known place", async () => {
  const response = await get(sidecar(handlers), `${ORIGIN}/.well-known/placet-policy`);
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "application/json");
  assert.deepEqual(await response.json(), {
    sidecar: { id: ORIGIN, name: "policy", version: "0" },
    protocols: ["1.0"],
    decision_endpoint: `${ORIGIN}/decide`,
    health_endpoint: `${ORIGIN}/healthz`,
    types: [
      { type: "grant.token_exchange", cacheable: true },
      { type: "grant.password", cacheable: false },
    ],
    auth: { request: ["signature"], signed_response: false },
    modes: ["enforce", "shadow", "test"],
  });
});

test("a sidecar whose id has a path is described where the path is inserted", async () => {
  const id = "https://policy.example/placet";
  const options = { id, name: "acme", version: "7", docs: "https://acme.example", responseSecret: secret() };
  const handler = sidecar(handlers, options);
  for (const path of ["/.well-known/placet-policy/placet", "/.well-known/placet-policy"]) {
    const document = (await (await get(handler, ORIGIN + path)).json()) as PolicyDocument;
    assert.deepEqual(document.sidecar, { id, name: "acme", version: "7" });
    assert.equal(document.decision_endpoint, `${id}/decide`);
    assert.equal(document.health_endpoint, `${id}/healthz`);
    assert.equal(document.docs, "https://acme.example");
    assert.equal(document.auth?.signed_response, true);
  }
  assert.equal((await get(handler, `${ORIGIN}/.well-known/placet-policy/other`)).status, 404);
});

test("the id is given as it was registered", async () => {
  for (const id of ["https://policy.example", "https://policy.example/", "https://Policy.example:443/a/"]) {
    const document = await (await get(sidecar({}, { id }), `${ORIGIN}/.well-known/placet-policy`)).json();
    assert.equal((document as PolicyDocument).sidecar.id, id);
  }
});

test("what a handler needs is declared, and the section of its type is always among it", async () => {
  const types = {
    "grant.token_exchange": { needs: ["/actor", "/client/data"], returns: ["/grant/scope"] },
    "grant.password": { needs: ["/password/username"] },
  };
  const response = await get(sidecar(handlers, { types }), `${ORIGIN}/.well-known/placet-policy`);
  assert.deepEqual(((await response.json()) as PolicyDocument).types, [
    {
      type: "grant.token_exchange",
      needs: ["/actor", "/client/data", "/token_exchange"],
      returns: ["/grant/scope"],
      cacheable: true,
    },
    { type: "grant.password", needs: ["/password/username"], cacheable: false },
  ]);
});

test("a section that was asked for in parts may come to nothing", async () => {
  const seen: unknown[] = [];
  const handlers: Handlers = {
    "grant.token_exchange": (x) => {
      seen.push(x.section, x.token_exchange);
      return x.allow();
    },
  };
  const types = { "grant.token_exchange": { needs: ["/token_exchange/actor_token"] } };
  const { token_exchange: _, ...projected } = exchange();
  assert.equal((await ask(sidecar(handlers, { types }), projected)).status, 200);
  assert.deepEqual(seen, [{}, {}]);
});

test("types that are declared answer, and others do not", async () => {
  const handler = sidecar(handlers);
  const password = { username: "alice", password: "wonderland" };
  assert.equal((await ask(handler, exchange())).status, 200);
  assert.equal((await ask(handler, question("grant.password", { password }))).status, 200);
  assert.equal((await ask(handler, question("client.delete", { registration: {} }))).status, 501);
});

test("a sidecar that is set up is well", async () => {
  const below = sidecar({}, { id: "https://policy.example/placet" });
  for (const [handler, path] of [
    [sidecar({}), "/healthz"],
    [below, "/healthz"],
    [below, "/placet/healthz"],
  ] as const) {
    assert.equal((await get(handler, ORIGIN + path)).status, 200, path);
    assert.equal((await handler(new Request(ORIGIN + path, { method: "HEAD" }))).status, 200, path);
  }
});
