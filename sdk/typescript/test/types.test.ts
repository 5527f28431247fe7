// What the compiler holds: this file does not compile if an expected error is missing.

import assert from "node:assert/strict";
import { test } from "node:test";
import { challenge, deny, type Handlers } from "@placet/sdk";

declare module "@placet/sdk" {
  interface ExtraErrorCodes {
    region_blocked: true;
  }
}

const handlers: Handlers = {
  // The operator's own codes can be declared.
  "grant.password": () => deny("region_blocked"),
  "grant.token_exchange": (x) => {
    // The section of the type is there, under its name and as `section`.
    const semantics: string = x.token_exchange.semantics + x.section.semantics;
    // @ts-expect-error another type's section may be missing
    const password: string = x.password.username;
    // @ts-expect-error who acts may be missing
    const actor: string = x.actor.sub;
    if (semantics === password + actor) return challenge({ kind: "step_up", max_age: 0 });
    // @ts-expect-error a scope is a list
    x.allow({ scope: "shipping.quote" });
    // @ts-expect-error there is no such setting
    x.allow({ acces_token: {} });
    // @ts-expect-error there is no such section in a token exchange
    x.allow().set("session", {});
    // Members can be removed, and a section that the type has can be added.
    return x.allow({ may_act: null, access_token: { audience: null } }).set("token_response", { extra: 1 });
  },
  "interaction.evaluate": (x) => {
    const stage: "evaluate" | "approve" = x.interaction.stage;
    return x.allow().set("consent", { ask: stage === "evaluate" }).set("session", { max_life: 60 });
  },
  "client.delete": (x) => {
    // @ts-expect-error a deletion sets nothing
    x.allow({});
    return x.allow();
  },
  // @ts-expect-error this code is not one of the type
  "grant.refresh_token": () => deny("invalid_redirect_uri"),
  // @ts-expect-error nobody can be challenged when claims are gathered
  "claims.source": () => challenge({ kind: "consent" }),
};

const novelties: Handlers = {
  // @ts-expect-error there is no such decision point
  "grant.novelty": () => deny("access_denied"),
};

test("the types of the handlers compile, and those that are wrong do not", () => {
  assert.equal(Object.keys({ ...handlers, ...novelties }).length, 7);
});
