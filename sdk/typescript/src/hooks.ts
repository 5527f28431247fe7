import type { DecisionRequest, HookType, Proposal } from "./generated/decision.js";
import { rules } from "./generated/rules.js";

type Rules = typeof rules;

/** The member of a request that only one type has. */
export type SectionName<T extends HookType> = Rules[T]["section"];

/** What only requests of this type have. */
export type Section<T extends HookType> = NonNullable<DecisionRequest[SectionName<T>]>;

/** The sections of the proposal that an allow may patch. */
export type Settable<T extends HookType> = Rules[T]["settable"][number];

/**
 * The section that `x.allow(patch)` patches: the grant where the type has one, otherwise its first section.
 * The others are reached by `.set(section, patch)`.
 */
export type MainSection<T extends HookType> = "grant" extends Settable<T> ? "grant" : Rules[T]["settable"][0];

/**
 * Error codes that the server's operator allows besides those of the types. Declare yours:
 *
 * ```ts
 * declare module "@placet/sdk" {
 *   interface ExtraErrorCodes { region_blocked: true }
 * }
 * ```
 */
export interface ExtraErrorCodes {}

/** The codes with which a denial may end. */
export type ErrorCode<T extends HookType = HookType> = Rules[T]["error_codes"][number] | keyof ExtraErrorCodes;

/** Whether a challenge may be answered, because the user is at hand or the client can send the user to log in. */
export type Challengeable<T extends HookType> = Rules[T]["challengeable"];

/** A JSON Merge Patch (RFC 7396): objects are merged, anything else is replaced, and `null` removes. */
export type MergePatch<T> = T extends readonly (infer Item)[]
  ? readonly Item[]
  : T extends object
    ? { readonly [Key in keyof T]?: MergePatch<T[Key]> | null }
    : T;

/** A patch of one section of the proposal. */
export type SectionPatch<S> = S extends keyof Proposal ? MergePatch<NonNullable<Proposal[S]>> : never;

/** Whether a name is that of a decision point. */
export function isHookType(name: string): name is HookType {
  return Object.hasOwn(rules, name);
}

/** The section that a bare patch goes to, if an answer of this type may set anything. */
export function mainSection(type: HookType): string | undefined {
  const settable: readonly string[] = rules[type].settable;
  return settable.includes("grant") ? "grant" : settable[0];
}
