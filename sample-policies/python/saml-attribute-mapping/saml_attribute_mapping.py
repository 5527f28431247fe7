"""Makes users, scope and claims of the attributes in a partner's SAML assertion."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from placet import Answer, App, Request, deny


@dataclass(frozen=True)
class Entitlement:
    """What an entitlement of the partner means here."""

    role: str
    scope: tuple[str, ...]


@dataclass(frozen=True)
class Partner:
    """How the assertions of one issuer are read."""

    organization: str
    subject_attribute: str
    subject_pattern: re.Pattern[str]
    entitlement_attribute: str
    entitlements: Mapping[str, Entitlement]
    default_acr: str
    acr_by_class: Mapping[str, str]


def partners(mapping: Mapping[str, Any]) -> dict[str, Partner]:
    """The partners of a mapping, by issuer. Raises KeyError, TypeError or re.error for one that is not complete."""
    return {
        issuer: Partner(
            organization=entry["organization"],
            subject_attribute=entry["subject"]["attribute"],
            subject_pattern=re.compile(entry["subject"]["pattern"], re.ASCII),
            entitlement_attribute=entry["entitlements"]["attribute"],
            entitlements={
                name: Entitlement(grant["role"], tuple(grant["scope"]))
                for name, grant in entry["entitlements"]["grants"].items()
            },
            default_acr=entry["authentication"]["default"],
            acr_by_class=entry["authentication"]["by_class"],
        )
        for issuer, entry in mapping.items()
    }


def policy(trusted: Mapping[str, Partner]) -> App:
    """The policy for these partners."""
    app = App("saml-attribute-mapping", "1")

    @app.on(
        "grant.saml2_bearer",
        needs=[],
        returns=["/grant/sub", "/grant/scope", "/grant/authentication", "/grant/access_token/claims"],
    )
    def mapped(x: Request) -> Answer:
        assertion, verified = x.section["assertion"], x.section["verified"]
        partner = trusted.get(assertion["issuer"])
        if partner is None or not verified["signature"] or not verified["replay_checked"]:
            return deny("invalid_grant", "the assertion is not accepted").reason("not_trusted")
        subject = local_subject(partner, assertion)
        if subject is None:
            return deny("invalid_grant", "the assertion names nobody").reason("no_subject")
        if not x.limits.settable("sub"):
            return deny("unauthorized_client").reason("sub_not_settable")
        held = [
            partner.entitlements[value]
            for value in attribute(assertion, partner.entitlement_attribute)
            if value in partner.entitlements
        ]
        scope = x.limits.scope_where(lambda value: any(value in entitlement.scope for entitlement in held))
        if not scope:
            return deny("invalid_scope", "no entitlement for what was asked").reason("no_entitlement")
        claims = {"org": partner.organization, "roles": sorted({entitlement.role for entitlement in held})}
        if not x.limits.takes_claims(claims):
            return deny("access_denied").reason("claims_not_settable")
        answer = x.allow(sub=subject, scope=scope, access_token={"claims": claims})
        if x.limits.settable("authentication"):
            # When the user authenticated is in the proposal already, from the same assertion.
            answer = answer.set(grant={"authentication": {"acr": acr(partner, assertion), "amr": ["ext"]}})
        return answer.reason("mapped", f"{len(held)} entitlements").tag("partner", partner.organization)

    return app


def attribute(assertion: Mapping[str, Any], name: str) -> list[str]:
    """The values of an attribute, of all its occurrences."""
    return [value for found in assertion["attributes"] if found["name"] == name for value in found["values"]]


def local_subject(partner: Partner, assertion: Mapping[str, Any]) -> str | None:
    """The user here: the organization and the partner's own number. None unless there is exactly one, of the right
    form: a value with a colon in it could be a user of another organization.
    """
    values = attribute(assertion, partner.subject_attribute)
    if len(values) != 1 or not partner.subject_pattern.fullmatch(values[0]):
        return None
    return f"{partner.organization}:{values[0]}"


def acr(partner: Partner, assertion: Mapping[str, Any]) -> str:
    """The class of the authentication. Of several statements that differ, none counts."""
    found = {
        partner.acr_by_class.get(statement.get("class_ref"), partner.default_acr) for statement in assertion["authn"]
    }
    return found.pop() if len(found) == 1 else partner.default_acr


if __name__ == "__main__":
    file = Path(os.environ.get("SAML_MAPPING", Path(__file__).with_name("mapping.json")))
    policy(partners(json.loads(file.read_text("utf-8")))).run()
