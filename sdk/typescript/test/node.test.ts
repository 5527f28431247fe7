import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { test, type TestContext } from "node:test";
import type { PolicyDocument, PolicyHandler } from "@placet/sdk";
import { serve } from "@placet/sdk/node";
import { exchange, question, secret, sidecar, signedRequest } from "./asking.js";

async function serving(t: TestContext, handler: PolicyHandler): Promise<string> {
  t.mock.method(console, "log", () => undefined);
  const { url, close } = await serve(handler, { port: 0 });
  t.after(close);
  return url;
}

/** The same request, to another place. */
async function sent(url: string, request: Request): Promise<Response> {
  return fetch(url, { method: "POST", headers: request.headers, body: await request.text() });
}

const allowing = () => sidecar({ "grant.token_exchange": (x) => x.allow() });

test("a sidecar answers over HTTP, on loopback alone", async (t) => {
  const url = await serving(t, sidecar({ "grant.token_exchange": (x) => x.allow() }, { responseSecret: secret() }));
  assert.match(url, /^http:\/\/127\.0\.0\.1:/);
  const envelope = exchange();
  const response = await sent(`${url}/decide`, signedRequest(JSON.stringify(envelope), envelope.id));
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("webhook-id"), envelope.id);
  assert.deepEqual(await response.json(), { id: envelope.id, decision: "allow" });
  const unhandled = question("claims.source", { claims: {} });
  assert.equal((await sent(`${url}/decide`, signedRequest(JSON.stringify(unhandled), unhandled.id))).status, 501);
  assert.equal((await fetch(`${url}/decide`)).status, 405);
  assert.equal((await fetch(`${url}/decide`, { method: "HEAD" })).status, 405);
  assert.equal((await fetch(`${url}/healthz`)).status, 200);
});

test("without an id a sidecar is where it listens, whatever a request claims", async (t) => {
  const url = await serving(t, allowing());
  const incoming = httpRequest(`${url}/.well-known/placet-policy`, { headers: { host: "evil.example" } }).end();
  const [response] = await once(incoming, "response");
  let text = "";
  for await (const chunk of response) text += chunk;
  assert.equal((JSON.parse(text) as PolicyDocument).sidecar.id, url);
});

test("a path with two slashes is no host", async (t) => {
  const url = await serving(t, allowing());
  assert.match(await raw(url, "GET //evil.example/healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), / 404 /);
  assert.match(await raw(url, "GET http://evil.example/healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), / 405 /);
});

test("what is no request to a sidecar is refused, and the sidecar lives on", async (t) => {
  const url = await serving(t, allowing());
  assert.match(await raw(url, "TRACE / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), / 40[05] /);
  assert.match(await raw(url, "nonsense\r\n\r\n"), / 400 /);
  assert.equal((await fetch(`${url}/healthz`)).status, 200);
});

test("a body that is refused for its size is not read, and its connection ends", async (t) => {
  const url = await serving(t, allowing());
  const { headers } = signedRequest("{}", "dec_1");
  const lines = [...headers].map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const answer = await raw(url, `POST / HTTP/1.1\r\nHost: x\r\n${lines}Content-Length: 99999999\r\n\r\n{`);
  assert.match(answer, /^HTTP\/1\.1 413 /);
  assert.match(answer, /connection: close/i);
});

test("a caller that hangs up leaves the sidecar well", async (t) => {
  let decide: (() => void) | undefined;
  const decided = new Promise<void>((resolve) => (decide = resolve));
  let enter: (() => void) | undefined;
  const entered = new Promise<void>((resolve) => (enter = resolve));
  const url = await serving(
    t,
    sidecar({
      "grant.token_exchange": async (x) => {
        enter?.();
        await decided;
        return x.allow();
      },
    }),
  );
  const envelope = exchange();
  const gone = new AbortController();
  const { headers } = signedRequest(JSON.stringify(envelope), envelope.id);
  const body = JSON.stringify(envelope);
  const asked = fetch(url, { method: "POST", headers, body, signal: gone.signal });
  await entered;
  gone.abort();
  await assert.rejects(asked);
  decide?.();
  assert.equal((await fetch(`${url}/healthz`)).status, 200);
});

test("fifty callers at once are all answered", async (t) => {
  const url = await serving(t, allowing());
  const asked = Array.from({ length: 50 }, async () => {
    const envelope = exchange();
    const response = await sent(url, signedRequest(JSON.stringify(envelope), envelope.id));
    assert.equal(((await response.json()) as { id: string }).id, envelope.id);
  });
  await Promise.all(asked);
});

test("a sidecar that closes answers what is under way, and leaves no signal handler", async (t) => {
  t.mock.method(console, "log", () => undefined);
  const before = process.listenerCount("SIGTERM");
  let decide: (() => void) | undefined;
  const decided = new Promise<void>((resolve) => (decide = resolve));
  let enter: (() => void) | undefined;
  const entered = new Promise<void>((resolve) => (enter = resolve));
  const handler = sidecar({
    "grant.token_exchange": async (x) => {
      enter?.();
      await decided;
      return x.allow();
    },
  });
  const { url, close } = await serve(handler, { port: 0 });
  const envelope = exchange();
  const answer = sent(url, signedRequest(JSON.stringify(envelope), envelope.id));
  await entered;
  const closed = close();
  decide?.();
  assert.equal((await answer).status, 200);
  await closed;
  await assert.rejects(fetch(`${url}/healthz`));
  assert.equal(process.listenerCount("SIGTERM"), before);
});

test("a sidecar does not start with wrong settings, or where it cannot listen", async (t) => {
  await assert.rejects(serve(sidecar({}, { secret: "" }), { port: 0 }), /PLACET_SECRET/);
  const url = await serving(t, allowing());
  await assert.rejects(serve(allowing(), { port: Number(new URL(url).port) }), /EADDRINUSE/);
});

test("a sidecar that is asked to stop ends well, though callers keep their connections", async () => {
  const script = `
    import { policy } from "@placet/sdk";
    import { serve } from "@placet/sdk/node";
    const { url } = await serve(policy({}), { port: 0 });
    await (await fetch(url + "/healthz")).text();
    console.log("asked");`;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    const child = spawn(process.execPath, ["--input-type=module", "--eval", script], {
      env: { ...process.env, PLACET_SECRET: secret() },
      stdio: ["ignore", "pipe", "inherit"],
    });
    let text = "";
    for await (const chunk of child.stdout) {
      text += chunk;
      if (text.includes("asked")) child.kill(signal);
    }
    if (child.exitCode === null) await once(child, "exit");
    assert.equal(child.exitCode, 0);
    assert.match(text, /^placet: listening on http:\/\/127\.0\.0\.1:\d+\n/);
  }
});

test("the environment says where to listen and with which secrets", async (t) => {
  const names = ["PORT", "HOST", "PLACET_SECRET", "PLACET_PREVIOUS_SECRET", "PLACET_RESPONSE_SECRET", "PLACET_SIDECAR_ID"];
  const saved = names.map((name) => [name, process.env[name]] as const);
  t.after(() => {
    for (const [name, value] of saved) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });
  t.mock.method(console, "log", () => undefined);
  const { policy } = await import("@placet/sdk");
  const [current, previous] = [secret(), secret()];
  Object.assign(process.env, { PORT: "0", HOST: "localhost", PLACET_SECRET: current, PLACET_PREVIOUS_SECRET: previous });
  Object.assign(process.env, { PLACET_RESPONSE_SECRET: secret(), PLACET_SIDECAR_ID: "http://localhost/placet" });
  const { url, close } = await serve(policy({ "grant.token_exchange": (x) => x.allow() }));
  t.after(close);
  for (const secrets of [[current], [previous]]) {
    const envelope = exchange();
    const request = signedRequest(JSON.stringify(envelope), envelope.id, { secrets });
    const response = await sent(`${url}/placet`, request);
    assert.equal(response.status, 200);
    assert.notEqual(response.headers.get("webhook-signature"), null);
  }
  process.env.PORT = "80a";
  await assert.rejects(serve(allowing()), /PORT/);
});

/** What a server says to some bytes, until it hangs up. */
async function raw(url: string, bytes: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  socket.on("error", () => undefined);
  socket.write(bytes);
  let text = "";
  socket.on("data", (chunk) => (text += chunk));
  await once(socket, "close");
  return text;
}
