import type { CacheHint, Challenge, Decision, HookType, Reason } from "./generated/decision.js";
import { rules } from "./generated/rules.js";
import type { Challengeable, ErrorCode, SectionPatch, Settable } from "./hooks.js";
import { checkJson } from "./json.js";

const MAX_TAGS = 16;
/** What `error_description` may hold (RFC 6749 section 5.2). */
const DESCRIPTION = /^[\x20\x21\x23-\x5b\x5d-\x7e]{1,512}$/;

/** What any answer may carry besides its verdict. */
interface Extras {
  readonly reason?: Reason;
  readonly tags?: Readonly<Record<string, string>>;
  readonly cache?: CacheHint;
}

type Body = Omit<Decision, "id" | "policy">;

/** An answer of a policy. It never changes: each method gives a new one, so that answers can be shared. */
abstract class BaseAnswer {
  /** @internal */
  protected constructor(protected readonly extras: Extras) {}

  /** @internal */
  protected abstract with(extras: Extras): this;
  /**
   * The decision, less what the request and the sidecar add to it.
   *
   * @internal
   */
  abstract body(): Body;

  /** Says why, for the decision log alone: a short stable word, and a sentence. Clients never see it. */
  reason(code: string, detail?: string): this {
    return this.with({ ...this.extras, reason: detail === undefined ? { code } : { code, detail } });
  }

  /** Labels the decision for log and metrics; at most 16 times. */
  tag(name: string, value: string): this {
    const tags = { ...this.extras.tags, [name]: value };
    if (Object.keys(tags).length > MAX_TAGS) throw new RangeError(`a decision has at most ${MAX_TAGS} tags`);
    return this.with({ ...this.extras, tags });
  }
}

abstract class CacheableAnswer extends BaseAnswer {
  /**
   * Lets the server use the decision again for `maxAge` seconds, if its operator agrees, and for `staleIfError` seconds
   * more while the sidecar fails. What counts as the same question is what the sidecar was shown: see `types.needs`.
   */
  cache(maxAge: number, staleIfError?: number): this {
    const cache: CacheHint = { max_age: seconds(maxAge) };
    if (staleIfError !== undefined) cache.stale_if_error = seconds(staleIfError);
    return this.with({ ...this.extras, cache });
  }
}

/** Yes: what the server proposed, patched. Made by `x.allow()`. */
export class Allow<T extends HookType = HookType> extends CacheableAnswer {
  readonly #type: T;
  readonly #set: Readonly<Record<string, unknown>>;

  /** @internal */
  constructor(type: T, set: Readonly<Record<string, unknown>> = {}, extras: Extras = {}) {
    super(extras);
    this.#type = type;
    this.#set = set;
  }

  /** Patches another section of the proposal. A section is patched once. */
  set<S extends Settable<T>>(section: S, patch: SectionPatch<S>): Allow<T> {
    const settable: readonly string[] = rules[this.#type].settable;
    if (!settable.includes(section)) throw new TypeError(`\`${this.#type}\` cannot set \`${section}\``);
    if (Object.hasOwn(this.#set, section)) throw new TypeError(`\`${section}\` is set twice`);
    checkJson(patch, section);
    return new Allow(this.#type, { ...this.#set, [section]: patch }, this.extras);
  }

  /** @internal */
  protected override with(extras: Extras): this {
    return new Allow(this.#type, this.#set, extras) as this;
  }

  /** @internal */
  override body(): Body {
    const set = Object.keys(this.#set).length > 0 ? { set: { ...this.#set } } : {};
    return { decision: "allow", ...set, ...this.extras };
  }
}

/** No. Made by {@link deny}. */
export class Denial<Code extends string = string> extends CacheableAnswer {
  /** What the client is told. */
  readonly error: { readonly code: Code; readonly description?: string; readonly uri?: string };

  /** @internal */
  constructor(error: Denial<Code>["error"], extras: Extras = {}) {
    super(extras);
    this.error = error;
  }

  /** @internal */
  protected override with(extras: Extras): this {
    return new Denial(this.error, extras) as this;
  }

  /** @internal */
  override body(): Body {
    return { decision: "deny", error: this.error, ...this.extras };
  }
}

/** Not yet: something more is needed of the user. Made by {@link challenge}. */
export class Demand extends BaseAnswer {
  /** What is needed. */
  readonly challenge: Challenge;

  /** @internal */
  constructor(challenge: Challenge, extras: Extras = {}) {
    super(extras);
    this.challenge = challenge;
  }

  /** @internal */
  protected override with(extras: Extras): this {
    return new Demand(this.challenge, extras) as this;
  }

  /** @internal */
  override body(): Body {
    return { decision: "challenge", challenge: this.challenge, ...this.extras };
  }
}

/** What a handler of this type may answer. */
export type Answer<T extends HookType = HookType> =
  | Allow<T>
  | Denial<ErrorCode<T>>
  | (Challengeable<T> extends true ? Demand : never);

/**
 * Denies. The client is told the code and the description: printable ASCII without `"` and `\`.
 *
 * @param uri a page about the error
 */
export function deny<const Code extends string>(code: Code, description?: string, uri?: string): Denial<Code> {
  if (description !== undefined && !DESCRIPTION.test(description)) {
    throw new TypeError('a description has 1 to 512 printable ASCII characters, and neither `"` nor `\\`');
  }
  return new Denial({ code, ...(description === undefined ? {} : { description }), ...(uri === undefined ? {} : { uri }) });
}

/** Demands a stronger sign-in, consent, a choice of account, or a page of the login app, before the answer can be yes. */
export function challenge(challenge: Challenge): Demand {
  checkJson(challenge, "challenge");
  return new Demand(challenge);
}

/** @internal */
export function isAnswer(value: unknown): value is Answer {
  return value instanceof BaseAnswer;
}

function seconds(value: number): number {
  if (!Number.isInteger(value) || value < 0) throw new RangeError("a time is a whole number of seconds");
  return value;
}
