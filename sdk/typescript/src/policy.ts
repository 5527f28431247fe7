import { type Answer, isAnswer } from "./answer.js";
import { readBody } from "./body.js";
import { document, resourceAt } from "./discovery.js";
import { checkSection, fingerprint, parse, typeOf } from "./envelope.js";
import type { Decision, DecisionRequest, HookType } from "./generated/decision.js";
import { isHookType } from "./hooks.js";
import { type Question, question } from "./question.js";
import { Refusal } from "./refusal.js";
import { Answers } from "./replay.js";
import { type PolicyOptions, type Settings, settings } from "./settings.js";
import { readHeaders, verify } from "./signature.js";

const MAX_REQUEST = 256 * 1024;
const MAX_RESPONSE = 64 * 1024;
/** The longest that a server waits for an answer, in milliseconds; also what counts if it does not say. */
const MAX_TIMEOUT = 10_000;
/** The share of the server's patience that a handler gets; the rest is for the way back. */
const HANDLER_SHARE = 0.8;

/** Answers the questions of one type. */
export type Handler<T extends HookType> = (x: Question<T>) => Answer<T> | Promise<Answer<T>>;

/** One handler for each type that the sidecar decides. For other types it answers 501. */
export type Handlers = { readonly [T in HookType]?: Handler<T> };

/** A sidecar: a function from request to response, as Deno, Workers and others want it, or for `serve` in Node.js. */
export interface PolicyHandler {
  (request: Request): Promise<Response>;
  /** The function itself, so that the sidecar can be the default export of a module that a runtime serves. */
  readonly fetch: (request: Request) => Promise<Response>;
  /** Decides without HTTP and signature, for tests of a policy. Throws what the handler throws. */
  decide(request: DecisionRequest, signal?: AbortSignal): Promise<Decision>;
  /** Throws if the settings are wrong; otherwise this shows only when the first request comes. */
  check(): void;
}

/** Makes a sidecar of handlers. */
export function policy(handlers: Handlers, options: PolicyOptions = {}): PolicyHandler {
  const types = Object.keys(handlers).map((name) => {
    if (!isHookType(name)) throw new TypeError(`there is no decision point \`${name}\``);
    if (typeof handlers[name] !== "function") throw new TypeError(`the handler of \`${name}\` is not a function`);
    return name;
  });
  const sidecar = new Sidecar(handlers, types, options);
  const fetch = (request: Request) => sidecar.respond(request);
  return Object.assign((request: Request) => sidecar.respond(request), {
    fetch,
    decide: (request: DecisionRequest, signal?: AbortSignal) =>
      sidecar.decide(request, signal ?? new AbortController().signal),
    check: () => void sidecar.settings(),
  });
}

class Sidecar {
  readonly #handlers: Handlers;
  readonly #types: readonly HookType[];
  readonly #options: PolicyOptions;
  readonly #answers = new Answers();
  #settings: Settings | undefined;

  constructor(handlers: Handlers, types: readonly HookType[], options: PolicyOptions) {
    this.#handlers = handlers;
    this.#types = types;
    this.#options = options;
  }

  /** Read late, so that a policy can be imported and tested where no secret is set. */
  settings(): Settings {
    this.#settings ??= settings(this.#options);
    return this.#settings;
  }

  async respond(request: Request): Promise<Response> {
    try {
      return await this.#route(request);
    } catch (error) {
      if (error instanceof Refusal) return error.toResponse();
      console.error("placet:", error);
      return new Refusal(500, "the sidecar failed").toResponse();
    }
  }

  async decide(request: DecisionRequest, signal: AbortSignal): Promise<Decision> {
    const type = typeOf(request);
    const handler = type && Object.hasOwn(this.#handlers, type) ? this.#handlers[type] : undefined;
    if (!type || !handler) throw new Refusal(501, "this sidecar does not decide this type");
    checkSection(request, this.#options.types?.[type]?.needs !== undefined);
    // The handler found under a type takes questions of that type; the compiler sees only the union of all.
    const answer = await (handler as Handler<HookType>)(question({ ...request, type }, signal));
    if (!isAnswer(answer)) throw new TypeError(`the handler of \`${type}\` gave no answer`);
    const { name, version } = this.#options;
    const policy = name !== undefined && version !== undefined ? { policy: { name, version } } : {};
    return { id: request.id, ...answer.body(), ...policy };
  }

  async #route(request: Request): Promise<Response> {
    const settings = this.settings();
    const { pathname, origin } = new URL(request.url);
    switch (resourceAt(pathname, settings)) {
      case "decisions":
        allowMethods(request, ["POST"]);
        return this.#answer(request, settings);
      case "discovery":
        allowMethods(request, ["GET", "HEAD"]);
        return json(JSON.stringify(document(this.#types, this.#options, settings, origin)));
      case "health":
        allowMethods(request, ["GET", "HEAD"]);
        return json('{"status":"ok"}');
      default:
        throw new Refusal(404, "there is nothing here");
    }
  }

  async #answer(request: Request, settings: Settings): Promise<Response> {
    const deadline = new Deadline(request.headers.get("placet-timeout-ms"));
    try {
      const asked = await authenticated(request, settings, deadline.signal);
      // Whoever asks the same meanwhile waits as long as its own deadline says.
      const key = await fingerprint(asked);
      const answer = this.#answers.get(key, Date.now(), () => this.#decided(asked, deadline.signal));
      const text = await deadline.bound(answer);
      return json(text, await signed(settings, asked.id, text));
    } finally {
      deadline.clear();
    }
  }

  async #decided(asked: DecisionRequest, signal: AbortSignal): Promise<string> {
    try {
      const text = JSON.stringify(await this.decide(asked, signal));
      if (new TextEncoder().encode(text).length > MAX_RESPONSE) throw new RangeError("the decision exceeds 64 KiB");
      return text;
    } catch (error) {
      if (error instanceof Refusal) throw error;
      this.#report(error, asked);
      throw new Refusal(500, "the policy failed");
    }
  }

  #report(error: unknown, { id, type }: DecisionRequest): void {
    if (this.#options.onError) this.#options.onError(error, { id, type });
    else console.error(`placet: ${type} ${id}:`, error);
  }
}

/** Ends when the server's patience, as the header states it, is nearly over. */
class Deadline {
  readonly #controller = new AbortController();
  readonly #timer: ReturnType<typeof setTimeout>;

  constructor(header: string | null) {
    const stated = header !== null && /^[0-9]{1,9}$/.test(header) ? Number(header) : MAX_TIMEOUT;
    const wait = Math.min(stated, MAX_TIMEOUT) * HANDLER_SHARE;
    const late = () => this.#controller.abort(new DOMException("an answer would come too late", "TimeoutError"));
    this.#timer = setTimeout(late, wait);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** What `work` gives, or a refusal if that would be too late. */
  bound<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const late = () => reject(new Refusal(504, "the policy did not decide in time"));
      if (this.signal.aborted) late();
      this.signal.addEventListener("abort", late, { once: true });
      work.then(resolve, reject);
    });
  }

  clear(): void {
    clearTimeout(this.#timer);
  }
}

/** The question in a request, after it is proven to come from the server. */
async function authenticated(request: Request, settings: Settings, signal: AbortSignal): Promise<DecisionRequest> {
  const mediaType = request.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
  if (mediaType !== "application/json") throw new Refusal(415, "a question is application/json");
  const headers = readHeaders(request.headers, Date.now());
  if (!headers) throw new Refusal(401, "the request is not signed, or not of now");
  const body = await readBody(request, MAX_REQUEST, signal);
  if (!(await verify(settings.secrets, headers, body))) throw new Refusal(401, "the signature does not hold");
  return parse(body, request.headers);
}

async function signed(settings: Settings, id: string, text: string): Promise<Record<string, string>> {
  if (!settings.responseSecret) return {};
  const timestamp = String(Math.floor(Date.now() / 1000));
  const signature = await settings.responseSecret.sign(id, timestamp, new TextEncoder().encode(text));
  return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signature };
}

function json(text: string, headers: Readonly<Record<string, string>> = {}): Response {
  const standing = { "content-type": "application/json", "cache-control": "no-store" };
  return new Response(text, { headers: { ...standing, ...headers } });
}

function allowMethods(request: Request, methods: readonly string[]): void {
  if (!methods.includes(request.method)) {
    throw new Refusal(405, "the method is not allowed", { allow: methods.join(", ") });
  }
}
