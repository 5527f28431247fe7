import { Allow } from "./answer.js";
import type { DecisionRequest, HookType, Limits } from "./generated/decision.js";
import { rules } from "./generated/rules.js";
import { type MainSection, mainSection, type Section, type SectionName, type SectionPatch } from "./hooks.js";

/** What the server asked, and the way to say yes. */
export type Question<T extends HookType = HookType> = Omit<DecisionRequest, "type" | "limits" | SectionName<T>> & {
  readonly [Name in SectionName<T>]: Section<T>;
} & {
  readonly type: T;
  /** What only this type has: the member that its name says, `token_exchange` for example. */
  readonly section: Section<T>;
  /** The ceiling of what may be set. */
  readonly limits: QuestionLimits;
  /** Ends when an answer would come too late; hand it to whatever you wait for. */
  readonly signal: AbortSignal;
  /**
   * Allows what is proposed, patched (RFC 7396): the grant where the type has one, otherwise the section that the type is
   * about. What exceeds the limits makes the server refuse the whole decision; it never cuts anything silently.
   */
  allow(patch?: SectionPatch<MainSection<T>>): Allow<T>;
};

/** The limits, with short ways to those that are needed most. */
export interface QuestionLimits extends Limits {
  /** The scope values that may be granted, or shown in an introspection. */
  readonly scope: string[];
  /**
   * A lifetime for the access token: so many seconds, or less where the proposal or the limit is shorter. Where no limit
   * is stated, the lifetime cannot be set, and this is what leaves it as proposed.
   */
  lifetime(seconds: number): number | null;
}

/** Makes the question that a handler sees of a request. */
export function question<T extends HookType>(request: DecisionRequest & { type: T }, signal: AbortSignal): Question<T> {
  const { type, limits } = request;
  const name: keyof DecisionRequest = rules[type].section;
  const section = request[name] ?? {};
  const main = mainSection(type);
  const asked = {
    ...request,
    [name]: section,
    section,
    limits: {
      ...limits,
      scope: limits.grant?.scope ?? limits.introspection?.scope ?? [],
      lifetime: (seconds: number) => {
        const proposed = request.proposal.grant?.access_token?.lifetime ?? null;
        const max = limits.grant?.access_token?.max_lifetime ?? 0;
        return max === 0 ? proposed : Math.min(seconds, max, proposed ?? max);
      },
    },
    signal,
    allow: (patch?: object) => {
      const allow = new Allow<HookType>(type);
      if (patch === undefined) return allow;
      if (main === undefined) throw new TypeError(`\`${type}\` cannot set anything`);
      return allow.set(main as never, patch as never);
    },
  };
  // What the table of rules says of a type, the compiler cannot follow for a type that is not known yet.
  return asked as unknown as Question<T>;
}
