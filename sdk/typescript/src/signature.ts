/** How far the clock of the signer may be from ours, in seconds, in either direction. */
const TOLERANCE = 300;
/** How many signatures of one message are looked at: more than any rotation needs. */
const MAX_SIGNATURES = 8;
/** How many bytes a secret may have (Standard Webhooks). */
const SECRET_BYTES = { min: 24, max: 64 };
const PREFIX = "whsec_";
const VERSION = "v1,";
/** A dot in the id would let the border between id and timestamp move without changing what is signed. */
const ID = /^[A-Za-z0-9_-]{1,128}$/;
const TIMESTAMP = /^[0-9]{1,12}$/;
const HMAC = { name: "HMAC", hash: "SHA-256" };

const encoder = new TextEncoder();

type Key = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

/** The three headers of a signed message (Standard Webhooks). */
export interface SignedHeaders {
  readonly id: string;
  readonly timestamp: string;
  readonly signature: string;
}

/** A secret that two parties share, `whsec_` and base64. It is never printed. */
export class Secret {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  #key: Promise<Key> | undefined;

  /** @throws TypeError if the text is no secret; the message does not repeat it */
  constructor(text: string) {
    const bytes = decode(text.trim());
    if (!bytes || bytes.length < SECRET_BYTES.min || bytes.length > SECRET_BYTES.max) {
      throw new TypeError(`a secret is \`${PREFIX}\` and ${SECRET_BYTES.min} to ${SECRET_BYTES.max} bytes in base64`);
    }
    this.#bytes = bytes;
  }

  /** Whether both are the same secret. It is asked about our own configuration, not about what strangers send. */
  equals(other: Secret): boolean {
    return this.#bytes.length === other.#bytes.length && this.#bytes.every((byte, i) => byte === other.#bytes[i]);
  }

  /** Signs a message: the value of `webhook-signature`. */
  async sign(id: string, timestamp: string, body: Uint8Array): Promise<string> {
    const mac = await crypto.subtle.sign(HMAC, await this.#imported(), message(id, timestamp, body));
    return VERSION + btoa(String.fromCharCode(...new Uint8Array(mac)));
  }

  /** Whether a MAC is of this secret. WebCrypto compares in constant time. */
  async verifies(mac: Uint8Array<ArrayBuffer>, signed: Uint8Array<ArrayBuffer>): Promise<boolean> {
    return crypto.subtle.verify(HMAC, await this.#imported(), mac, signed);
  }

  #imported(): Promise<Key> {
    this.#key ??= crypto.subtle.importKey("raw", this.#bytes, HMAC, false, ["sign", "verify"]);
    return this.#key;
  }
}

/** Takes the headers of a signed message, if they are there, well-formed, and of about now. */
export function readHeaders(headers: Headers, now: number): SignedHeaders | undefined {
  const id = headers.get("webhook-id");
  const timestamp = headers.get("webhook-timestamp");
  const signature = headers.get("webhook-signature");
  if (id === null || timestamp === null || signature === null) return undefined;
  if (!ID.test(id) || !TIMESTAMP.test(timestamp)) return undefined;
  if (Math.abs(Number(timestamp) - Math.floor(now / 1000)) > TOLERANCE) return undefined;
  return { id, timestamp, signature };
}

/** Whether one of the signatures is by one of the secrets. Each is compared with each, in constant time. */
export async function verify(secrets: readonly Secret[], headers: SignedHeaders, body: Uint8Array): Promise<boolean> {
  const macs = headers.signature
    .split(" ")
    .filter((signature) => signature.startsWith(VERSION))
    .slice(0, MAX_SIGNATURES)
    .map((signature) => base64(signature.slice(VERSION.length)))
    .filter((mac) => mac !== undefined);
  const signed = message(headers.id, headers.timestamp, body);
  const compared = await Promise.all(secrets.flatMap((secret) => macs.map((mac) => secret.verifies(mac, signed))));
  return compared.includes(true);
}

function message(id: string, timestamp: string, body: Uint8Array): Uint8Array<ArrayBuffer> {
  const head = encoder.encode(`${id}.${timestamp}.`);
  const signed = new Uint8Array(head.length + body.length);
  signed.set(head);
  signed.set(body, head.length);
  return signed;
}

function decode(text: string): Uint8Array<ArrayBuffer> | undefined {
  return text.startsWith(PREFIX) ? base64(text.slice(PREFIX.length)) : undefined;
}

function base64(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}
