export { type Allow, type Answer, challenge, type Demand, type Denial, deny } from "./answer.js";
export type * from "./generated/decision.js";
export type { ErrorCode, ExtraErrorCodes, MainSection, MergePatch, Section, SectionName, SectionPatch, Settable } from "./hooks.js";
export { type Handler, type Handlers, type PolicyHandler, policy } from "./policy.js";
export type { Question, QuestionLimits } from "./question.js";
export type { PolicyOptions, TypeOptions } from "./settings.js";
