import { deny, policy } from "@placet/sdk";

/** How long a delegated token lives at most, in seconds. */
const LIFETIME = 120;

/** Whom a token may be used by (RFC 8693 section 4.4). */
interface MayAct {
  readonly sub?: unknown;
  readonly iss?: unknown;
}

export default policy(
  {
    "grant.token_exchange": (x) => {
      const actor = x.token_exchange.actor_token;
      if (!x.actor || !actor) return deny("invalid_request", "actor_token required").reason("no_actor");

      const named = x.token_exchange.subject_token.claims.may_act as MayAct | undefined;
      const sameIssuer = named?.iss === undefined || named.iss === actor.claims.iss;
      if (named?.sub !== x.actor.sub || !sameIssuer) {
        return deny("access_denied", "the subject token does not let this actor act").reason("not_named");
      }

      const scope = x.limits.scope.filter((value) => value.startsWith("shipping."));
      if (scope.length === 0) return deny("invalid_scope", "nothing to delegate").reason("no_scope");

      // A caller that has shown a key gets a token that is worth nothing without it.
      const bound = x.pop !== undefined && x.pop.binding !== "none";
      const constraint = bound ? { sender_constraint: "required" as const } : {};
      return x
        .allow({ scope, access_token: { lifetime: x.limits.lifetime(LIFETIME), ...constraint } })
        .reason("delegation_ok", "may_act names the actor")
        .tag("actor", x.actor.sub)
        .cache(20);
    },
  },
  {
    name: "delegation",
    version: "1",
    types: {
      "grant.token_exchange": {
        needs: ["/actor", "/token_exchange", "/pop/binding"],
        returns: ["/grant/scope", "/grant/access_token"],
      },
    },
  },
);
