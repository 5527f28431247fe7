import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { ask, exchange, SECRET, secret, sidecar, signature, signedRequest } from "./asking.js";

const allowing = () => sidecar({ "grant.token_exchange": (x) => x.allow() });
const now = () => Math.floor(Date.now() / 1000);

test("the published test vector holds, and fails when a byte of it changes", async () => {
  const vector = {
    secret: "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    id: "dec_01JD9YF6M1ZC8W3K4T7HQRB2XS",
    timestamp: 1_795_428_300,
    body: '{"id":"dec_01JD9YF6M1ZC8W3K4T7HQRB2XS","type":"claims.source"}',
    signature: "v1,9CDPlWwW7bNn5k9BFTBXsHIKWocovQ9uz8vERvGNApg=",
  };
  assert.equal(signature([vector.secret], vector.id, vector.timestamp, vector.body), vector.signature);
  const handler = sidecar({}, { secret: vector.secret });
  const send = (sent: string) =>
    handler(
      signedRequest(vector.body, vector.id, {
        secrets: [vector.secret],
        timestamp: vector.timestamp,
        headers: { "webhook-signature": vector.signature },
        sent,
      }),
    );
  mock.timers.enable({ apis: ["Date"], now: vector.timestamp * 1000 });
  try {
    // The body of the vector is no whole question, which is only looked at once the signature holds.
    assert.equal((await send(vector.body)).status, 400);
    assert.equal((await send(vector.body.replace("claims", "claimz"))).status, 401);
  } finally {
    mock.timers.reset();
  }
});

test("a request without a signature, or with a wrong one, is refused", async () => {
  const handler = allowing();
  for (const header of ["webhook-id", "webhook-timestamp", "webhook-signature"]) {
    const request = signedRequest(JSON.stringify(exchange()), "dec_1");
    request.headers.delete(header);
    assert.equal((await handler(request)).status, 401, header);
  }
  for (const wrong of ["", "v1,", "v1,AAAA", "v1,%%%", "v1a,AAAA", "v2,AAAA"]) {
    assert.equal((await ask(handler, exchange(), { headers: { "webhook-signature": wrong } })).status, 401, wrong);
  }
  assert.equal((await ask(handler, exchange(), { secrets: [secret()] })).status, 401);
});

test("a body that was altered is refused", async () => {
  const envelope = exchange();
  const sent = JSON.stringify({ ...envelope, subject: { ...envelope.subject, sub: "bob" } });
  assert.equal((await ask(allowing(), envelope, { sent })).status, 401);
});

test("a signature counts for five minutes in either direction", async () => {
  const handler = allowing();
  for (const [shift, status] of [
    [-299, 200],
    [299, 200],
    [-600, 401],
    [600, 401],
  ] as const) {
    assert.equal((await ask(handler, exchange(), { timestamp: now() + shift })).status, status, `${shift}`);
  }
  for (const timestamp of ["", "soon", "1e9", "-1", "1795428300.0", "99999999999999"]) {
    const status = (await ask(handler, exchange(), { headers: { "webhook-timestamp": timestamp } })).status;
    assert.equal(status, 401, timestamp);
  }
});

test("an id that could move the border to the timestamp is refused", async () => {
  for (const id of ["dec.1", "dec 1", "d".repeat(129)]) {
    assert.equal((await ask(allowing(), exchange({ id }))).status, 401, id);
  }
});

test("one good signature among several is enough", async () => {
  const envelope = exchange();
  const body = JSON.stringify(envelope);
  const good = signature([SECRET], envelope.id, now(), body);
  for (const header of [`v1,AAAA ${good}`, `v1a,AAAA ${good} v1,BBBB`, `${good} garbage`]) {
    assert.equal((await ask(allowing(), envelope, { headers: { "webhook-signature": header } })).status, 200);
  }
});

test("signatures beyond what a rotation needs are not looked at", async () => {
  const envelope = exchange();
  const good = signature([SECRET], envelope.id, now(), JSON.stringify(envelope));
  const header = `${"v1,AAAA ".repeat(8)}${good}`;
  assert.equal((await ask(allowing(), envelope, { headers: { "webhook-signature": header } })).status, 401);
});

test("the secret before counts too while a secret is rotated, and no other", async () => {
  const [before, later] = [secret(), secret()];
  const handler = sidecar({ "grant.token_exchange": (x) => x.allow() }, { previousSecret: before });
  assert.equal((await ask(handler, exchange(), { secrets: [SECRET] })).status, 200);
  assert.equal((await ask(handler, exchange(), { secrets: [before] })).status, 200);
  assert.equal((await ask(handler, exchange(), { secrets: [later, before] })).status, 200);
  assert.equal((await ask(handler, exchange(), { secrets: [later] })).status, 401);
});

test("answers are signed with their own secret, over the id of the question", async () => {
  const responseSecret = secret();
  const handler = sidecar({ "grant.token_exchange": (x) => x.allow() }, { responseSecret });
  const envelope = exchange();
  const response = await ask(handler, envelope);
  const [id, timestamp] = [response.headers.get("webhook-id"), Number(response.headers.get("webhook-timestamp"))];
  assert.equal(id, envelope.id);
  assert.ok(Math.abs(timestamp - now()) < 300);
  const expected = signature([responseSecret], envelope.id, timestamp, await response.text());
  assert.equal(response.headers.get("webhook-signature"), expected);
});

test("what is not answered is not signed", async () => {
  const handler = sidecar({}, { responseSecret: secret() });
  const response = await ask(handler, exchange());
  assert.equal(response.status, 501);
  assert.equal(response.headers.get("webhook-signature"), null);
});

test("settings that are not safe stop the start, and are not printed", () => {
  const wrong: [object, RegExp][] = [
    [{ secret: "" }, /PLACET_SECRET/],
    [{ secret: "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=" }, /PLACET_SECRET/],
    [{ secret: "whsec_dG9vIHNob3J0" }, /PLACET_SECRET/],
    [{ secret: "whsec_????" }, /PLACET_SECRET/],
    [{ previousSecret: "whsec_dG9vIHNob3J0" }, /PLACET_PREVIOUS_SECRET/],
    [{ responseSecret: SECRET }, /PLACET_RESPONSE_SECRET/],
    [{ id: "policy.example" }, /PLACET_SIDECAR_ID/],
    [{ id: "https://policy.example/?x" }, /PLACET_SIDECAR_ID/],
  ];
  for (const [options, message] of wrong) {
    assert.throws(() => sidecar({}, options).check(), message);
    assert.throws(
      () => sidecar({}, options).check(),
      (error: Error) => !/dG9v|AAEC|[?]x/.test(error.message) && !error.message.includes(SECRET),
    );
  }
  sidecar({}, { id: "https://policy.example/placet" }).check();
});

test("without a secret nothing is decided", async (t) => {
  t.mock.method(console, "error", () => undefined);
  const handler = sidecar({ "grant.token_exchange": (x) => x.allow() }, { secret: "" });
  assert.equal((await ask(handler, exchange())).status, 500);
});
