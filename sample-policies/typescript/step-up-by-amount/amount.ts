/** An amount of money, exactly: ten-thousandths of its currency. */
export type Amount = bigint;

const DECIMALS = 4;

/** Reads an amount as payment APIs write it, `123.50` for example. */
export function parseAmount(text: unknown): Amount | undefined {
  const match = typeof text === "string" ? /^(\d{1,15})(?:\.(\d{1,4}))?$/.exec(text) : null;
  return match ? BigInt(`${match[1]}${(match[2] ?? "").padEnd(DECIMALS, "0")}`) : undefined;
}

/** What a payment costs. */
export interface Payment {
  readonly amount: Amount;
  readonly currency: string;
}

/** Whether authorization details (RFC 9396) are about a payment. */
export function isPayment(details: Readonly<Record<string, unknown>>): boolean {
  return details.type === "payment" || details.type === "payment_initiation";
}

/**
 * Reads what a payment costs: `instructedAmount {amount, currency}` as in RFC 9396 section 2, or `amount {value,
 * currency}`. Gives nothing if it does not say.
 */
export function payment(details: Readonly<Record<string, unknown>>): Payment | undefined {
  const stated = (details.instructedAmount ?? details.amount) as Record<string, unknown> | undefined | null;
  const amount = parseAmount(details.instructedAmount === undefined ? stated?.value : stated?.amount);
  const currency = stated?.currency;
  return amount !== undefined && typeof currency === "string" ? { amount, currency } : undefined;
}
