// A server as a sidecar sees it: questions, and signatures that are made without the SDK.

import { createHmac, randomBytes } from "node:crypto";
import type { DecisionRequest, Handlers, HookType, PolicyHandler, PolicyOptions } from "@placet/sdk";
import { policy } from "@placet/sdk";

// What is set around the tests is not for them.
for (const name of Object.keys(process.env)) {
  if (name === "HOST" || name === "PORT" || name.startsWith("PLACET_")) delete process.env[name];
}

export const ORIGIN = "http://127.0.0.1:8092";

export function secret(): string {
  return `whsec_${randomBytes(32).toString("base64")}`;
}

export const SECRET = secret();

/** A sidecar that knows the secret of these tests, and keeps what went wrong. */
export function sidecar(handlers: Handlers, options: PolicyOptions = {}): PolicyHandler & { errors: unknown[] } {
  const errors: unknown[] = [];
  const handler = policy(handlers, { secret: SECRET, onError: (error) => errors.push(error), ...options });
  return Object.assign(handler, { errors });
}

let asked = 0;

/** A question about a token exchange, with the members that are given replaced. */
export function exchange(members: object = {}): DecisionRequest {
  const grant = {
    sub: "alice",
    act: { sub: "svc-orders", client_id: "svc-orders" },
    scope: ["shipping.quote", "orders.read"],
    access_token: { encoding: "jwt", lifetime: 300 },
  };
  return question("grant.token_exchange", {
    client: { client_id: "svc-orders", first_party: true, data: { team: "fulfilment" } },
    subject: { sub: "alice", type: "user", source: "subject_token" },
    actor: { sub: "svc-orders", type: "client", source: "actor_token" },
    token_exchange: {
      semantics: "delegation",
      act_depth: 1,
      subject_token: { type: "urn:ietf:params:oauth:token-type:access_token", origin: "local", claims: { sub: "alice" } },
    },
    proposal: { grant },
    limits: { grant: { scope: grant.scope, access_token: { max_lifetime: 300 } } },
    ...members,
  });
}

/** A question of any type. */
export function question(type: HookType, members: object): DecisionRequest {
  asked += 1;
  const envelope = {
    protocol: "1.0",
    id: `dec_${asked}`,
    type,
    time: "2026-11-23T09:20:00.120Z",
    deadline: "2026-11-23T09:20:00.920Z",
    mode: "enforce",
    attempt: 1,
    issuer: "https://as.example",
    chain: { policy: "test", position: 1, of: 1 },
    request: { endpoint: "token" },
    proposal: {},
    limits: {},
    ...members,
  };
  return envelope as unknown as DecisionRequest;
}

export interface Sending {
  readonly id?: string;
  readonly secrets?: readonly string[];
  /** Seconds since the epoch. */
  readonly timestamp?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly path?: string;
  /** What is sent, if it is not what was signed. */
  readonly sent?: string;
}

/** The value of `webhook-signature` (Standard Webhooks). */
export function signature(secrets: readonly string[], id: string, timestamp: number, body: string): string {
  return secrets
    .map((secret) => {
      const key = Buffer.from(secret.slice("whsec_".length), "base64");
      return `v1,${createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64")}`;
    })
    .join(" ");
}

/** A signed request with a body. */
export function signedRequest(body: string, id: string, sending: Sending = {}): Request {
  const { secrets = [SECRET], timestamp = Math.floor(Date.now() / 1000), headers = {}, path = "/decide" } = sending;
  const standing = {
    "content-type": "application/json",
    "webhook-id": id,
    "webhook-timestamp": String(timestamp),
    "webhook-signature": signature(secrets, id, timestamp, body),
  };
  return new Request(ORIGIN + path, {
    method: "POST",
    headers: { ...standing, ...headers },
    body: sending.sent ?? body,
  });
}

/** Asks as the server does. */
export function ask(handler: PolicyHandler, envelope: DecisionRequest, sending: Sending = {}): Promise<Response> {
  return handler(signedRequest(JSON.stringify(envelope), sending.id ?? envelope.id, sending));
}
