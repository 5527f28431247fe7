import type { DecisionRequest, HookType } from "./generated/decision.js";
import { rules } from "./generated/rules.js";
import { isHookType } from "./hooks.js";
import { isObject, parseStrictly } from "./json.js";
import { Refusal } from "./refusal.js";

/** Headers that repeat members of the body, for those who route. They are not signed, so they must not differ. */
const REPEATED = {
  "webhook-id": "id",
  "placet-type": "type",
  "placet-issuer": "issuer",
  "placet-tenant": "tenant",
  "placet-protocol": "protocol",
} as const;
const STRINGS = ["protocol", "id", "type", "time", "deadline", "mode", "issuer"] as const;
const OBJECTS = ["chain", "request", "proposal", "limits"] as const;

/** Reads a signed body. Members that this version does not know are kept and ignored. */
export function parse(bytes: Uint8Array, headers: Headers): DecisionRequest {
  let envelope: unknown;
  try {
    envelope = parseStrictly(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new Refusal(400, "the body is not JSON");
  }
  if (!isObject(envelope)) throw new Refusal(400, "the body is not an object");
  for (const name of STRINGS) {
    if (typeof envelope[name] !== "string") throw new Refusal(400, `the member \`${name}\` must be a string`);
  }
  for (const name of OBJECTS) {
    if (!isObject(envelope[name])) throw new Refusal(400, `the member \`${name}\` must be an object`);
  }
  for (const [header, member] of Object.entries(REPEATED)) {
    const repeated = headers.get(header);
    if (repeated !== null && repeated !== envelope[member]) {
      throw new Refusal(400, `the header \`${header}\` is not the member \`${member}\` of the body`);
    }
  }
  if (!/^1\.\d+$/.test(envelope.protocol as string)) throw new Refusal(400, "this sidecar speaks protocol 1");
  return envelope as unknown as DecisionRequest;
}

/** Checks that a question has the section of its type. One that is asked for in parts may come to nothing. */
export function checkSection(request: DecisionRequest, mayLack: boolean): void {
  const section: string = rules[request.type].section;
  const value = (request as unknown as Record<string, unknown>)[section];
  if (!(isObject(value) || (value === undefined && mayLack))) {
    throw new Refusal(400, `the member \`${section}\` must be an object`);
  }
}

/** The type of a question, if there is such a type at all. */
export function typeOf(request: DecisionRequest): HookType | undefined {
  const type: string = request.type;
  return isHookType(type) ? type : undefined;
}

/** What makes two questions the same, also if one is the server's second attempt. */
export async function fingerprint(request: DecisionRequest): Promise<string> {
  const { attempt: _attempt, time: _time, deadline: _deadline, ...asked } = request;
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(JSON.stringify(asked)));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
