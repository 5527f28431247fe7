import { challenge, deny, type Handler, policy, type Question } from "@placet/sdk";
import { type Amount, isPayment, type Payment, parseAmount, payment } from "./amount.js";

/** What the policy goes by. */
export interface Rules {
  /** Payments of more than this in one request need a strong sign-in. */
  readonly limit: Amount;
  readonly currency: string;
  /** What counts as strong, best first. */
  readonly acrValues: readonly string[];
  /** How long ago the strong sign-in may be, in seconds. */
  readonly maxAge: number;
}

/** Asks for a strong and recent sign-in when a payment is large. */
export function stepUpByAmount(rules: Rules): Handler<"interaction.evaluate"> {
  return (x) => {
    let total = 0n;
    let foreign = false;
    for (const one of payments(x)) {
      if (!one) return deny("invalid_authorization_details", "a payment needs an amount and a currency");
      total += one.amount;
      foreign ||= one.currency !== rules.currency;
    }
    // What is in another currency cannot be compared, so it counts as large.
    if (!foreign && total <= rules.limit) return x.allow().reason("below_limit");
    if (isStrong(x, rules)) return x.allow().reason("strong_sign_in");
    return challenge({
      kind: "step_up",
      acr_values: [...rules.acrValues],
      max_age: rules.maxAge,
      message: "Confirm it is you before you pay",
    }).reason("above_limit");
  };
}

/** What the grant would pay: its authorization details (RFC 9396), less what other policies took away. */
function payments(x: Question<"interaction.evaluate">): (Payment | undefined)[] {
  const details = x.proposal.grant?.authorization_details ?? x.grant?.requested?.authorization_details ?? [];
  return details.filter(isPayment).map(payment);
}

function isStrong({ session, time }: Question<"interaction.evaluate">, { acrValues, maxAge }: Rules): boolean {
  if (session?.acr === undefined || !acrValues.includes(session.acr)) return false;
  const age = Date.parse(time) - Date.parse(session.authenticated_at ?? "");
  return age <= maxAge * 1000;
}

/** The rules that the environment states. */
export function rulesFrom(environment: Readonly<Record<string, string | undefined>>): Rules {
  const limit = parseAmount(environment.PAYMENT_LIMIT ?? "100.00");
  const maxAge = Number(environment.STEP_UP_MAX_AGE ?? "300");
  const acrValues = (environment.STEP_UP_ACR ?? "urn:example:acr:mfa").split(",").filter((value) => value !== "");
  if (limit === undefined) throw new TypeError("`PAYMENT_LIMIT` is no amount");
  if (!Number.isInteger(maxAge) || maxAge < 0) throw new TypeError("`STEP_UP_MAX_AGE` is no number of seconds");
  if (acrValues.length === 0) throw new TypeError("`STEP_UP_ACR` names no class");
  return { limit, currency: environment.PAYMENT_CURRENCY ?? "EUR", acrValues, maxAge };
}

export default policy(
  { "interaction.evaluate": stepUpByAmount(rulesFrom(process.env)) },
  {
    name: "step-up-by-amount",
    version: "2",
    types: {
      "interaction.evaluate": {
        needs: ["/grant/requested/authorization_details", "/session/acr", "/session/authenticated_at"],
        returns: [],
      },
    },
  },
);
