import type { Event } from "./generated/event.js";
import { isObject, parseStrictly } from "./json.js";
import { readHeaders, Secret, verify } from "./signature.js";

export type { Event, EventData } from "./generated/event.js";

/** The longest event that is read, in bytes. */
const MAX_BYTES = 1 << 20;

/** Why an event is not taken. */
export class EventError extends Error {
  /** What to answer: 401 if it is not from who it should be, 400 if it is no event, 413 if it is too long. */
  readonly status: 400 | 401 | 413;

  constructor(status: 400 | 401 | 413, message: string) {
    super(message);
    this.name = "EventError";
    this.status = status;
  }
}

/**
 * Reads an event that was posted, once it is sure that it is signed with one of the secrets (`whsec_…`). The same event can
 * come again, with the same `id`.
 *
 * @throws EventError
 */
export async function readEvent(request: Request, secrets: readonly string[], now = Date.now()): Promise<Event> {
  const headers = readHeaders(request.headers, now);
  const body = new Uint8Array(await request.arrayBuffer());
  if (body.length > MAX_BYTES) throw new EventError(413, "the event is too long");
  const keys = secrets.map((secret) => new Secret(secret));
  if (!headers || !(await verify(keys, headers, body))) throw new EventError(401, "no signature holds");
  let event: unknown;
  try {
    event = parseStrictly(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch {
    throw new EventError(400, "this is no JSON");
  }
  if (!isObject(event) || event.id !== headers.id) {
    throw new EventError(400, "this is not the event that was signed");
  }
  return event as unknown as Event;
}
