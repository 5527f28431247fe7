import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import { InteractionClient, InteractionError, type OpenPrompt, type Prompt } from "@placet/sdk/interaction";

const envelope = {
  id: "ia_1",
  kind: "authorization",
  created_at: "2026-11-23T09:00:00Z",
  expires_at: "2026-11-23T09:15:00Z",
  issuer: "https://as.example",
  ui: { locales: ["en"] },
};
const auth = { ...envelope, step: 1, type: "auth", auth: { reasons: ["no_session"], attempt: 1 } };
const consent = { ...envelope, step: 2, type: "consent", consent: { reasons: ["first_time"], scope: [], claims: [] } };
const delivery = { method: "redirect", uri: "https://as.example/resume?i=ia_1&t=x" };
const response = { ...envelope, step: 3, type: "response", response: { outcome: "success", delivery } };

interface Call {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly authorization: string | undefined;
  readonly body: string;
}

/** A server that gives these answers one after the other, and a client of it. */
async function answering(t: TestContext, ...answers: [number, unknown, Record<string, string>?][]) {
  const calls: Call[] = [];
  const listener: RequestListener = async (incoming, outgoing) => {
    let body = "";
    for await (const chunk of incoming) body += chunk;
    const { method, url, headers } = incoming;
    calls.push({ method, url, authorization: headers.authorization, body });
    const [status, answer, more] = answers.shift() ?? [500, {}];
    outgoing.writeHead(status, { "content-type": "application/json", ...more });
    outgoing.end(typeof answer === "string" ? answer : JSON.stringify(answer));
  };
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  return { calls, placet: new InteractionClient({ url: `http://127.0.0.1:${port}/ui/v1/`, token: "secret-token" }) };
}

test("one loop serves an interaction from its first prompt to its end", async (t) => {
  const { calls, placet } = await answering(t, [200, auth], [200, consent], [200, response]);
  let prompt = await placet.current("ia_1");
  while (prompt.type !== "response" && prompt.type !== "error") {
    const open: OpenPrompt = prompt;
    prompt = await (open.type === "auth"
      ? placet.answer(open, { type: "auth", sub: "alice", acr: "urn:acme:loa:1" })
      : placet.answer(open, { type: "deny", error: "access_denied" }));
  }
  assert.ok(prompt.type === "response");
  assert.deepEqual(prompt.response.delivery, delivery);
  assert.deepEqual(
    calls.map(({ method, url, body }) => [method, url, body]),
    [
      ["GET", "/ui/v1/interactions/ia_1", ""],
      ["PUT", "/ui/v1/interactions/ia_1/steps/1", '{"type":"auth","sub":"alice","acr":"urn:acme:loa:1"}'],
      ["PUT", "/ui/v1/interactions/ia_1/steps/2", '{"type":"deny","error":"access_denied"}'],
    ],
  );
  assert.ok(calls.every((call) => call.authorization === "Bearer secret-token"));
});

test("an answer to a step that is over gives the prompt of the current one", async (t) => {
  const conflict = { type: "x", title: "Step already handled", status: 409, code: "step_conflict", current_step: 2 };
  const { calls, placet } = await answering(t, [409, conflict], [200, consent]);
  const next = await placet.answer(auth as unknown as Prompt & { type: "auth" }, { type: "auth", sub: "alice" });
  assert.equal(next.step, 2);
  assert.deepEqual([calls[1]?.method, calls[1]?.url], ["GET", "/ui/v1/interactions/ia_1"]);
});

test("a refusal carries the server's problem and when to try again", async (t) => {
  const gone = { type: "x", title: "Interaction expired", status: 410, code: "interaction_expired" };
  const busy = { type: "x", title: "A policy failed", status: 503, code: "policy_unavailable" };
  const { placet } = await answering(t, [410, gone], [503, busy, { "retry-after": "2" }]);
  await assert.rejects(placet.current("ia_1"), (error: InteractionError) => {
    assert.ok(error instanceof InteractionError);
    assert.deepEqual([error.status, error.code, error.retryAfter], [410, "interaction_expired", undefined]);
    return true;
  });
  await assert.rejects(placet.current("ia_1"), (error: InteractionError) => error.retryAfter === 2);
});

test("what is no prompt is an error, and is not repeated", async (t) => {
  const huge = JSON.stringify({ ...auth, padding: "x".repeat(1 << 20) });
  const { placet } = await answering(t, [200, "marker"], [200, {}], [502, "<h1>marker</h1>"], [200, huge], [204, ""]);
  for (const status of [200, 200, 502, 200, 204]) {
    await assert.rejects(placet.current("ia_1"), (error: InteractionError) => {
      assert.deepEqual([error.status, error.problem], [status, undefined]);
      return !/marker/.test(error.message);
    });
  }
});

test("an id is one segment of a path, and redirects are not followed", async (t) => {
  const { calls, placet } = await answering(t, [200, auth], [302, "", { location: "http://127.0.0.1:9/" }]);
  await placet.current("../sessions?sub=alice");
  assert.equal(calls[0]?.url, "/ui/v1/interactions/..%2Fsessions%3Fsub%3Dalice");
  await assert.rejects(placet.current("ia_1"), TypeError);
  assert.equal(calls.length, 2);
});
