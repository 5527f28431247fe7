// Runs `cases.json` of a policy: each patches a question, and states what the decision holds.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import type { DecisionRequest, HookType, PolicyHandler } from "@placet/sdk";

interface Case {
  readonly name: string;
  readonly given: { readonly type: HookType; readonly patch?: object };
  readonly expect: {
    readonly decision: string;
    readonly pointers?: Readonly<Record<string, unknown>>;
    /** Pointers at which there is nothing. */
    readonly absent?: readonly string[];
  };
}

const sections: Partial<Record<HookType, object>> = {
  "grant.token_exchange": {
    token_exchange: {
      semantics: "impersonation",
      act_depth: 0,
      subject_token: { type: "urn:ietf:params:oauth:token-type:access_token", origin: "local", claims: { sub: "alice" } },
    },
  },
  "interaction.evaluate": {
    interaction: { id: "ia_1", kind: "authorization", stage: "evaluate", challenges: 0 },
  },
};

/** A question of a type, patched. */
export function question(type: HookType, patch: object = {}): DecisionRequest {
  const plain = {
    protocol: "1.0",
    id: "dec_1",
    type,
    time: "2026-11-23T09:20:00.120Z",
    deadline: "2026-11-23T09:20:00.920Z",
    mode: "test",
    attempt: 1,
    issuer: "https://as.example",
    chain: { policy: "sample", position: 1, of: 1 },
    client: { client_id: "svc-orders", first_party: false },
    subject: { sub: "alice", type: "user", source: "session" },
    request: { endpoint: "token" },
    proposal: { grant: { sub: "alice" } },
    limits: { grant: {} },
    ...sections[type],
  };
  return merged(plain, patch) as unknown as DecisionRequest;
}

/** The cases of a policy, each with a function that checks it. */
export async function cases(folder: string, handler: PolicyHandler): Promise<[string, () => Promise<void>][]> {
  // Compiled, this file lies in a folder of its own.
  const file = new URL(`../${folder}/cases.json`, import.meta.url);
  const { cases } = JSON.parse(await readFile(file, "utf8")) as { cases: Case[] };
  return cases.map(({ name, given, expect }) => [
    name,
    async () => {
      const decision = await handler.decide(question(given.type, given.patch));
      assert.equal(decision.decision, expect.decision);
      for (const [pointer, value] of Object.entries(expect.pointers ?? {})) {
        assert.deepEqual(at(decision, pointer), value, pointer);
      }
      for (const pointer of expect.absent ?? []) assert.equal(at(decision, pointer), undefined, pointer);
    },
  ]);
}

/** A JSON Merge Patch, applied (RFC 7396). */
function merged(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const result: Record<string, unknown> = isObject(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = merged(result[name], value);
  }
  return result;
}

/** What a JSON Pointer leads to (RFC 6901). */
function at(value: unknown, pointer: string): unknown {
  const names = pointer.split("/").slice(1);
  const unescaped = names.map((name) => name.replaceAll("~1", "/").replaceAll("~0", "~"));
  return unescaped.reduce((inner, name) => (inner as Record<string, unknown> | undefined)?.[name], value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
