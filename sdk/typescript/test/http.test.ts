import assert from "node:assert/strict";
import { test } from "node:test";
import type { DecisionRequest } from "@placet/sdk";
import { ask, exchange, ORIGIN, question, SECRET, sidecar, signedRequest } from "./asking.js";

const allowing = () => sidecar({ "grant.token_exchange": (x) => x.allow() });

test("a question is answered with its id, as JSON that nobody stores", async () => {
  const envelope = exchange();
  const response = await ask(allowing(), envelope);
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "application/json");
  assert.equal(response.headers.get("cache-control"), "no-store");
  assert.deepEqual(await response.json(), { id: envelope.id, decision: "allow" });
});

test("questions are taken at the id of the sidecar and at `decide` below it", async () => {
  const plain = allowing();
  for (const path of ["/", "/decide"]) assert.equal((await ask(plain, exchange(), { path })).status, 200, path);
  const below = sidecar({ "grant.token_exchange": (x) => x.allow() }, { id: "https://policy.example/placet" });
  for (const path of ["/placet", "/placet/", "/placet/decide"]) {
    assert.equal((await ask(below, exchange(), { path })).status, 200, path);
  }
  for (const path of ["/decide", "/placet/other", "/placetdecide"]) {
    assert.equal((await ask(below, exchange(), { path })).status, 404, path);
  }
});

test("members and headers that are not known are ignored", async () => {
  const envelope = exchange({ novelty: { deep: [1] }, allow: "no", signal: "no", section: "no" });
  assert.equal((await ask(allowing(), envelope, { headers: { "placet-novelty": "1" } })).status, 200);
});

test("a type without a handler is not implemented, whatever its name", async () => {
  const handler = allowing();
  assert.equal((await ask(handler, question("claims.source", { claims: {} }))).status, 501);
  for (const type of ["grant.novelty", "constructor", "__proto__", "toString", ""]) {
    assert.equal((await ask(handler, exchange({ type }))).status, 501, type);
  }
});

test("a body that is no question is refused", async () => {
  const handler = allowing();
  const bodies = ["", "{", "null", "[]", '"dec_1"', "{}", '{"id":"dec_1"}'];
  for (const body of bodies) assert.equal((await handler(signedRequest(body, "dec_1"))).status, 400, body);
  const whole = exchange();
  for (const missing of ["id", "type", "protocol", "proposal", "limits", "token_exchange"]) {
    const { [missing as keyof DecisionRequest]: _, ...rest } = whole;
    assert.equal((await ask(handler, rest as DecisionRequest, { id: "dec_1" })).status, 400, missing);
  }
});

test("a body with a name twice is refused, wherever it is and however it is written", async () => {
  const handler = allowing();
  const twice = [
    '"novelty": 1, "novelty": 1',
    '"attempt": 1',
    '"novelty": { "a": 1, "b": [{}], "a": 2 }',
    '"novelty": [0, { "a": "}", "a": "{" }]',
    '"novelty": { "a": 1, "\\u0061": 2 }',
    '"__proto__": 1, "__proto__": 2',
  ];
  for (const members of twice) {
    const envelope = exchange();
    const body = JSON.stringify(envelope).replace("{", `{${members},`);
    assert.equal((await handler(signedRequest(body, envelope.id))).status, 400, members);
  }
  const once = [
    '"novelty": { "a": { "a": ["a", "a"] }, "b": { "a": "a" } }',
    '"novelty": [{ "a": 1 }, { "a": 1 }]',
    '"novelty": { "": "", "\\"": "\\"", "\\\\": ",\\"a\\":" }',
  ];
  for (const members of once) {
    const envelope = exchange();
    const body = JSON.stringify(envelope).replace("{", `{${members},`);
    assert.equal((await handler(signedRequest(body, envelope.id))).status, 200, members);
  }
});

test("a body is nested at most 32 deep", async () => {
  const handler = allowing();
  for (const [depth, status] of [
    [31, 200],
    [32, 400],
    [50_000, 400],
  ] as const) {
    const envelope = exchange();
    const novelty = "[".repeat(depth) + "]".repeat(depth);
    const body = JSON.stringify(envelope).replace("{", `{"novelty":${novelty},`);
    assert.equal((await handler(signedRequest(body, envelope.id))).status, status, `${depth}`);
  }
});

test("a body that is not UTF-8 is refused", async () => {
  const handler = allowing();
  const request = signedRequest("\u00ff", "dec_1");
  const headers = new Headers(request.headers);
  const { createHmac } = await import("node:crypto");
  const body = Buffer.from([0x22, 0xff, 0x22]);
  const mac = createHmac("sha256", Buffer.from(SECRET.slice(6), "base64"));
  mac.update(`dec_1.${headers.get("webhook-timestamp")}.`).update(body);
  headers.set("webhook-signature", `v1,${mac.digest("base64")}`);
  assert.equal((await handler(new Request(request.url, { method: "POST", headers, body }))).status, 400);
});

test("another major version of the protocol is refused, a later minor one is not", async () => {
  const handler = allowing();
  assert.equal((await ask(handler, exchange({ protocol: "2.0" }))).status, 400);
  assert.equal((await ask(handler, exchange({ protocol: "1.7" }))).status, 200);
});

test("headers that repeat the body must repeat it", async () => {
  const handler = allowing();
  const envelope = exchange({ tenant: "acme" });
  const repeated = {
    "placet-type": envelope.type,
    "placet-issuer": envelope.issuer,
    "placet-tenant": "acme",
    "placet-protocol": "1.0",
  };
  assert.equal((await ask(handler, envelope, { headers: repeated })).status, 200);
  for (const name of Object.keys(repeated)) {
    const headers = { ...repeated, [name]: "other" };
    assert.equal((await ask(handler, exchange({ tenant: "acme" }), { headers })).status, 400, name);
  }
  assert.equal((await ask(handler, exchange(), { headers: { "placet-tenant": "acme" } })).status, 400);
  assert.equal((await ask(handler, exchange(), { id: "dec_other" })).status, 400);
});

test("only JSON is read", async () => {
  const handler = allowing();
  for (const [type, status] of [
    ["text/plain", 415],
    ["application/jsonp", 415],
    ["application/x-www-form-urlencoded", 415],
    ["Application/JSON; charset=utf-8", 200],
  ] as const) {
    assert.equal((await ask(handler, exchange(), { headers: { "content-type": type } })).status, status, type);
  }
});

test("a body is read up to 256 KiB, announced or not", async () => {
  const handler = allowing();
  const padded = (size: number) => {
    const envelope = exchange({ padding: "" });
    return exchange({ id: envelope.id, padding: "x".repeat(size - JSON.stringify(envelope).length) });
  };
  assert.equal((await ask(handler, padded(256 * 1024))).status, 200);
  assert.equal((await ask(handler, padded(256 * 1024 + 1))).status, 413);
  assert.equal((await ask(handler, exchange(), { headers: { "content-length": "262145" } })).status, 413);
});

test("a body that goes on for ever is not waited for", async () => {
  const handler = allowing();
  const endless = new ReadableStream({
    pull: (controller) => controller.enqueue(new Uint8Array(1024)),
  });
  const { headers } = signedRequest("{}", "dec_1");
  const request = new Request(`${ORIGIN}/decide`, { method: "POST", headers, body: endless, duplex: "half" });
  assert.equal((await handler(request)).status, 413);
});

test("a body that stops coming is not waited for", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const handler = allowing();
  const { headers } = signedRequest("{}", "dec_1", { headers: { "placet-timeout-ms": "1000" } });
  const body = new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(1)) });
  const answer = handler(new Request(`${ORIGIN}/decide`, { method: "POST", headers, body, duplex: "half" }));
  t.mock.timers.tick(800);
  assert.equal((await answer).status, 408);
});

test("a body that breaks off is refused, and nothing is logged of it", async (t) => {
  const log = t.mock.method(console, "error", () => undefined);
  const { headers } = signedRequest("{}", "dec_1");
  const body = new ReadableStream({ pull: (controller) => controller.error(new Error("gone")) });
  const request = new Request(`${ORIGIN}/decide`, { method: "POST", headers, body, duplex: "half" });
  assert.equal((await allowing()(request)).status, 400);
  assert.equal(log.mock.callCount(), 0);
});

test("other methods and paths are refused", async () => {
  const handler = allowing();
  for (const method of ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"]) {
    for (const path of ["/", "/decide"]) {
      const response = await handler(new Request(ORIGIN + path, { method }));
      assert.equal(response.status, 405, method);
      assert.equal(response.headers.get("allow"), "POST");
    }
  }
  assert.equal((await handler(new Request(`${ORIGIN}/healthz`, { method: "POST" }))).status, 405);
  assert.equal((await handler(new Request(`${ORIGIN}/other`))).status, 404);
});

test("a handler that throws is a failure, and the server is told nothing of it", async () => {
  const handler = sidecar({
    "grant.token_exchange": () => {
      throw new Error("the database at db.internal is down");
    },
  });
  const response = await ask(handler, exchange());
  assert.equal(response.status, 500);
  const body = await response.text();
  assert.doesNotMatch(body, /database|internal|Error/);
  assert.match(String(handler.errors[0]), /db\.internal/);
});

test("no refusal repeats what was sent, or a secret", async () => {
  const handler = allowing();
  const refused = await Promise.all([
    ask(handler, exchange({ type: "grant.marker-4711" })),
    ask(handler, exchange({ protocol: "marker-4711" })),
    ask(handler, exchange(), { headers: { "webhook-signature": "v1,marker-4711" } }),
    ask(handler, exchange(), { path: "/marker-4711" }),
  ]);
  for (const response of refused) {
    const seen = JSON.stringify([...response.headers]) + (await response.text());
    assert.ok(!seen.includes("marker-4711") && !seen.includes(SECRET.slice(6)), seen);
  }
});
