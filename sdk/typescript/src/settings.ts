import type { HookType } from "./generated/decision.js";
import { Secret } from "./signature.js";

/** What the discovery document says of a type. */
export interface TypeOptions {
  /**
   * JSON Pointers of what the handler looks at besides the mandatory members, `/client/data` for example. The server sends
   * no more than this, which protects people's data and makes cached decisions fit more often. Absent means everything.
   */
  readonly needs?: readonly string[];
  /** JSON Pointers of what the handler may set. */
  readonly returns?: readonly string[];
}

/** How a sidecar is set up. What is not given is taken from the environment. */
export interface PolicyOptions {
  /** The URL of the sidecar, exactly as the server's operator registers it; `PLACET_SIDECAR_ID`. */
  readonly id?: string;
  /** Its name, for discovery and the decision log. */
  readonly name?: string;
  /** Its version. A new one makes the server forget cached decisions of the old one. */
  readonly version?: string;
  /** A page of documentation. */
  readonly docs?: string;
  /** The secret that the server signs with, `whsec_…`; `PLACET_SECRET`. */
  readonly secret?: string;
  /** The secret before, while it is being rotated; `PLACET_PREVIOUS_SECRET`. */
  readonly previousSecret?: string;
  /** The secret that answers are signed with, another one; `PLACET_RESPONSE_SECRET`. Without it they are not signed. */
  readonly responseSecret?: string;
  /** What discovery says of the types. */
  readonly types?: { readonly [T in HookType]?: TypeOptions };
  /** Gets what a handler threw; the default writes it to the console. The server is told nothing of it. */
  readonly onError?: (error: unknown, about: { readonly id: string; readonly type: HookType }) => void;
}

/** The settings that count, from options and environment. */
export interface Settings {
  readonly id: URL | undefined;
  /** The id as it is written, which is how the server compares it. */
  readonly idText: string | undefined;
  readonly secrets: readonly Secret[];
  readonly responseSecret: Secret | undefined;
}

/** @throws TypeError that names the setting which is wrong, never its value */
export function settings(options: PolicyOptions): Settings {
  const environment: Record<string, string | undefined> = globalThis.process?.env ?? {};
  const secret = read("PLACET_SECRET", options.secret ?? environment.PLACET_SECRET);
  if (!secret) throw new TypeError("`PLACET_SECRET` is not set: without it nobody can be told from the server");
  const previous = read("PLACET_PREVIOUS_SECRET", options.previousSecret ?? environment.PLACET_PREVIOUS_SECRET);
  const secrets = previous ? [secret, previous] : [secret];
  const responseSecret = read("PLACET_RESPONSE_SECRET", options.responseSecret ?? environment.PLACET_RESPONSE_SECRET);
  if (responseSecret && secrets.some((other) => other.equals(responseSecret))) {
    throw new TypeError("`PLACET_RESPONSE_SECRET` is also a secret of requests: those could be sent back as answers");
  }
  const idText = options.id ?? (environment.PLACET_SIDECAR_ID || undefined);
  return { id: idText === undefined ? undefined : sidecarUrl(idText), idText, secrets, responseSecret };
}

function read(name: string, text: string | undefined): Secret | undefined {
  if (!text) return undefined;
  try {
    return new Secret(text);
  } catch (error) {
    throw new TypeError(`\`${name}\`: ${(error as Error).message}`);
  }
}

function sidecarUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.search || url.hash || url.username || url.password) {
    throw new TypeError("`PLACET_SIDECAR_ID` is an http or https URL without query, fragment and user");
  }
  return url;
}
