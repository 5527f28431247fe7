import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { EventError, readEvent } from "@placet/sdk/event";

const SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const NOW = 1_795_428_300;

function posted(body: string): Request {
  const key = Buffer.from(SECRET.slice("whsec_".length), "base64");
  const signature = `v1,${createHmac("sha256", key).update(`evt_1.${NOW}.${body}`).digest("base64")}`;
  const headers = { "webhook-id": "evt_1", "webhook-timestamp": String(NOW), "webhook-signature": signature };
  return new Request("http://localhost/", { method: "POST", body, headers });
}

const status = (expected: number) => (error: unknown) => error instanceof EventError && error.status === expected;

test("an event is read when it is signed", async () => {
  const body = JSON.stringify({ id: "evt_1", type: "placet.session.ended.v1", data: { sequence: 1 } });
  const event = await readEvent(posted(body), [SECRET], NOW * 1000);
  assert.equal(event.type, "placet.session.ended.v1");
  await assert.rejects(readEvent(posted(body), [SECRET], (NOW + 301) * 1000), status(401));
  await assert.rejects(readEvent(posted(body), [], NOW * 1000), status(401));
  const unsigned = new Request("http://localhost/", { method: "POST", body });
  await assert.rejects(readEvent(unsigned, [SECRET], NOW * 1000), status(401));
});

test("what is no event is refused", async () => {
  const deep = "[".repeat(32) + "]".repeat(32);
  for (const body of [
    "{",
    "[]",
    "null",
    '{"id":"evt_2"}',
    '{"id":"evt_2","id":"evt_1"}',
    '{"id":"evt_1","data":{"sub":"alice","s\\u0075b":"bob"}}',
    '{"id":"evt_1","data":NaN}',
    `{"id":"evt_1","data":${deep}}`,
  ]) {
    await assert.rejects(readEvent(posted(body), [SECRET], NOW * 1000), status(400), body);
  }
});
