"""What holds for each decision point.

Written by `generate` from the schemas in sdk/schemas/1; never edit it by hand.
"""

from typing import NamedTuple

from .types import HookType


class Rules(NamedTuple):
    """What holds for a decision point."""

    #: The member of a request that holds what only this type has.
    section: str
    #: The sections that an allow may set.
    settable: frozenset[str]
    #: The codes with which a denial may end, unless the server's operator allows more.
    error_codes: frozenset[str]
    #: Whether its decisions may be remembered at all.
    cacheable: bool
    #: Whether a challenge may be answered.
    challengeable: bool


#: By type.
RULES: dict[HookType, Rules] = {
    "assertion.saml2": Rules(
        section="raw_assertion",
        settable=frozenset({"saml2_bearer"}),
        error_codes=frozenset(
            {
                "invalid_request",
                "invalid_grant",
                "invalid_scope",
                "invalid_target",
                "invalid_authorization_details",
                "unauthorized_client",
                "access_denied",
            }
        ),
        cacheable=False,
        challengeable=False,
    ),
    "authorization.request": Rules(
        section="authorization_request",
        settable=frozenset({"demand", "grant"}),
        error_codes=frozenset(
            {
                "access_denied",
                "login_required",
                "consent_required",
                "interaction_required",
                "account_selection_required",
                "unmet_authentication_requirements",
                "invalid_scope",
                "invalid_target",
                "invalid_authorization_details",
                "unauthorized_client",
                "temporarily_unavailable",
            }
        ),
        cacheable=True,
        challengeable=False,
    ),
    "ciba.request": Rules(
        section="ciba",
        settable=frozenset({"ciba", "grant"}),
        error_codes=frozenset(
            {
                "access_denied",
                "unauthorized_client",
                "invalid_scope",
                "invalid_target",
                "unknown_user_id",
                "missing_user_code",
                "invalid_user_code",
                "invalid_binding_message",
                "expired_login_hint_token",
            }
        ),
        cacheable=False,
        challengeable=False,
    ),
    "claims.source": Rules(
        section="claims",
        settable=frozenset({"claims", "claim_sources"}),
        error_codes=frozenset({"access_denied"}),
        cacheable=True,
        challengeable=False,
    ),
    "client.delete": Rules(
        section="registration",
        settable=frozenset(),
        error_codes=frozenset(
            {
                "access_denied",
                "invalid_redirect_uri",
                "invalid_client_metadata",
                "invalid_software_statement",
                "unapproved_software_statement",
            }
        ),
        cacheable=False,
        challengeable=False,
    ),
    "client.register": Rules(
        section="registration",
        settable=frozenset({"client"}),
        error_codes=frozenset(
            {
                "access_denied",
                "invalid_redirect_uri",
                "invalid_client_metadata",
                "invalid_software_statement",
                "unapproved_software_statement",
            }
        ),
        cacheable=False,
        challengeable=False,
    ),
    "client.update": Rules(
        section="registration",
        settable=frozenset({"client"}),
        error_codes=frozenset(
            {
                "access_denied",
                "invalid_redirect_uri",
                "invalid_client_metadata",
                "invalid_software_statement",
                "unapproved_software_statement",
            }
        ),
        cacheable=False,
        challengeable=False,
    ),
    "device.request": Rules(
        section="device",
        settable=frozenset({"device", "grant"}),
        error_codes=frozenset({"access_denied", "unauthorized_client", "invalid_scope", "invalid_target"}),
        cacheable=True,
        challengeable=False,
    ),
    "grant.authorization_code": Rules(
        section="authorization",
        settable=frozenset({"grant", "token_response"}),
        error_codes=frozenset(
            {
                "invalid_request",
                "invalid_grant",
                "invalid_scope",
                "invalid_target",
                "invalid_authorization_details",
                "unauthorized_client",
                "access_denied",
            }
        ),
        cacheable=True,
        challengeable=True,
    ),
    "grant.ciba": Rules(
        section="authorization",
        settable=frozenset({"grant", "token_response"}),
        error_codes=frozenset(
            {
                "invalid_request",
                "invalid_grant",
                "invalid_scope",
                "invalid_target",
                "invalid_authorization_details",
                "unauthorized_client",
                "access_denied",
            }
        ),
        cacheable=True,
        challengeable=True,
    ),
    "grant.client_credentials": Rules(
        section="client_credentials",
        settable=frozenset({"grant", "token_response"}),
        error_codes=frozenset(
            {
                "invalid_request",
                "invalid_grant",
                "invalid_scope",
                "invalid_target",
                "invalid_authorization_details",
                "unauthorized_client",
                "access_denied",
            }
        ),
        cacheable=True,
        challengeable=False,
    ),
    "grant.device_code": Rules(
        section="authorization",
        settable=frozenset({"grant", "token_response"}),
        error_codes=frozenset(
            {
                "invalid_request",
                "invalid_grant",
                "invalid_scope",
                "invalid_target",
                "invalid_authorization_details",
                "unauthorized_client",
                "access_denied",
            }
        ),
        cacheable=True,
        challengeable=True,
    ),
    "grant.jwt_bearer": Rules(
        section="jwt_bearer",
        settable=frozenset({"grant", "token_response"}),
        error_codes=frozenset(
            {
                "invalid_request",
                "invalid_grant",
                "invalid_scope",
                "invalid_target",
                "invalid_authorization_details",
                "unauthorized_client",
                "access_denied",
            }
        ),
        cacheable=True,
        challengeable=True,
    ),
    "grant.password": Rules(
        section="password",
        settable=frozenset({"grant", "token_response"}),
        error_codes=frozenset(
            {
                "invalid_request",
                "invalid_grant",
                "invalid_scope",
                "invalid_target",
                "invalid_authorization_details",
                "unauthorized_client",
                "access_denied",
            }
        ),
        cacheable=False,
        challengeable=True,
    ),
    "grant.refresh_token": Rules(
        section="refresh_token",
        settable=frozenset({"grant", "token_response"}),
        error_codes=frozenset(
            {
                "invalid_request",
                "invalid_grant",
                "invalid_scope",
                "invalid_target",
                "invalid_authorization_details",
                "unauthorized_client",
                "access_denied",
            }
        ),
        cacheable=True,
        challengeable=True,
    ),
    "grant.saml2_bearer": Rules(
        section="saml2_bearer",
        settable=frozenset({"grant", "token_response"}),
        error_codes=frozenset(
            {
                "invalid_request",
                "invalid_grant",
                "invalid_scope",
                "invalid_target",
                "invalid_authorization_details",
                "unauthorized_client",
                "access_denied",
            }
        ),
        cacheable=False,
        challengeable=True,
    ),
    "grant.token_exchange": Rules(
        section="token_exchange",
        settable=frozenset({"grant", "token_response"}),
        error_codes=frozenset(
            {
                "invalid_request",
                "invalid_grant",
                "invalid_scope",
                "invalid_target",
                "invalid_authorization_details",
                "unauthorized_client",
                "access_denied",
            }
        ),
        cacheable=True,
        challengeable=True,
    ),
    "interaction.approve": Rules(
        section="interaction",
        settable=frozenset({"grant"}),
        error_codes=frozenset(
            {
                "access_denied",
                "login_required",
                "consent_required",
                "interaction_required",
                "account_selection_required",
                "unmet_authentication_requirements",
                "invalid_scope",
                "invalid_target",
                "invalid_authorization_details",
                "unauthorized_client",
                "temporarily_unavailable",
            }
        ),
        cacheable=False,
        challengeable=True,
    ),
    "interaction.evaluate": Rules(
        section="interaction",
        settable=frozenset({"grant", "consent", "session"}),
        error_codes=frozenset(
            {
                "access_denied",
                "login_required",
                "consent_required",
                "interaction_required",
                "account_selection_required",
                "unmet_authentication_requirements",
                "invalid_scope",
                "invalid_target",
                "invalid_authorization_details",
                "unauthorized_client",
                "temporarily_unavailable",
            }
        ),
        cacheable=False,
        challengeable=True,
    ),
    "logout.evaluate": Rules(
        section="logout",
        settable=frozenset({"logout"}),
        error_codes=frozenset({"access_denied"}),
        cacheable=False,
        challengeable=False,
    ),
    "token.introspect": Rules(
        section="introspection",
        settable=frozenset({"introspection"}),
        error_codes=frozenset({"access_denied"}),
        cacheable=True,
        challengeable=False,
    ),
}
