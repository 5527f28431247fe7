"""What the requests of `placet.testing` are made of: alice, a client named books-web, and what they may."""

from typing import Any

from .rules import RULES
from .types import HookType

_SCOPE = ["openid", "profile", "reports.read", "reports.write"]
_RESOURCES = ["https://api.example/reports"]
_ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
_EARLIER = "2026-11-23T08:40:00Z"
_RESERVED = ["iss", "sub", "aud", "exp", "iat", "nbf", "jti", "client_id", "scope", "cnf", "act", "may_act"]

_EVERY: dict[str, Any] = {
    "client": {
        "client_id": "books-web",
        "name": "Books",
        "type": "confidential",
        "auth": {"method": "client_secret_basic", "verified": True},
        "scope": _SCOPE,
        "first_party": False,
    },
    "request": {"endpoint": "token", "parameters": {}},
}
_USER = {"sub": "alice", "type": "user", "source": "authorization"}
_SESSION = {"sub": "alice", "authenticated_at": _EARLIER, "acr": "urn:example:acr:pwd", "amr": ["pwd"]}
_REQUESTED = {"scope": _SCOPE, "resources": _RESOURCES}

# By section: it, and what comes along with it.
_FACTS: dict[str, dict[str, Any]] = {
    "authorization_request": {
        "grant": {"requested": _REQUESTED},
        "authorization_request": {
            "request": {
                "response_type": "code",
                "redirect_uri": "https://books.example/callback",
                "scope": _SCOPE,
                "resources": _RESOURCES,
                "authorization_details": [],
                "prompt": [],
                "pushed": False,
                "signed": False,
                "pkce": "S256",
                "parameters": {},
            },
            "session_present": False,
        },
    },
    "interaction": {
        "grant": {"type": "authorization_code", "requested": _REQUESTED},
        "subject": {**_USER, "source": "session"},
        "session": _SESSION,
        "interaction": {"id": "ia_1", "kind": "authorization", "stage": "evaluate", "challenges": 0},
    },
    "device": {"grant": {"requested": _REQUESTED}, "device": {"expires_in": 600, "interval": 5}},
    "ciba": {
        "grant": {"requested": _REQUESTED},
        "ciba": {"hint": {"kind": "login_hint", "value": "alice@example.com"}, "delivery": "poll"},
    },
    "authorization": {
        "grant": {"type": "authorization_code", "authorization_id": "az_1", "requested": {}},
        "subject": _USER,
        "authorization": {
            "id": "az_1",
            "kind": "authorization",
            "granted_at": _EARLIER,
            "scope": _SCOPE,
            "resources": _RESOURCES,
        },
    },
    "refresh_token": {
        "grant": {"type": "refresh_token", "authorization_id": "az_1", "requested": {}},
        "subject": _USER,
        "refresh_token": {
            "first_issued_at": _EARLIER,
            "last_used_at": _EARLIER,
            "count": 1,
            "rotation": True,
            "original": {"scope": _SCOPE, "resources": _RESOURCES},
            "session_active": True,
        },
    },
    "password": {
        "grant": {"type": "password", "requested": _REQUESTED},
        "password": {"username": "alice", "password": "wonderland"},
    },
    "client_credentials": {
        "grant": {"type": "client_credentials", "requested": _REQUESTED},
        "subject": {"sub": "books-web", "type": "client", "source": "client"},
        "client_credentials": {},
    },
    "jwt_bearer": {
        "grant": {"type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "requested": _REQUESTED},
        "jwt_bearer": {
            "trust": "third_party",
            "issuer": {"id": "https://idp.example", "jwks_source": "uri"},
            "assertion": {
                "header": {"alg": "ES256", "kid": "1"},
                "claims": {"iss": "https://idp.example", "sub": "alice", "aud": "https://as.example"},
            },
            "verified": {"signature": True, "audience": True, "replay_checked": True},
        },
    },
    "raw_assertion": {
        "grant": {"type": "urn:ietf:params:oauth:grant-type:saml2-bearer", "requested": _REQUESTED},
        "raw_assertion": {
            "format": "saml2",
            "value": "PEFzc2VydGlvbi8-",
            "audience": ["https://as.example"],
            "recipient": "https://as.example/token",
            "clock_skew": 60,
        },
    },
    "saml2_bearer": {
        "grant": {"type": "urn:ietf:params:oauth:grant-type:saml2-bearer", "requested": _REQUESTED},
        "saml2_bearer": {
            "trust": "third_party",
            "assertion": {
                "id": "_1",
                "issuer": "https://idp.example/saml",
                "issued_at": _EARLIER,
                "name_id": {"value": "alice@idp.example"},
                "conditions": {"audiences": ["https://as.example"], "one_time_use": False},
                "subject_confirmation": [{"method": "urn:oasis:names:tc:SAML:2.0:cm:bearer"}],
                "authn": [{"instant": _EARLIER}],
                "attributes": [],
            },
            "verified": {
                "signature": True,
                "signed": "assertion",
                "alg": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
                "encrypted": False,
                "replay_checked": True,
            },
        },
    },
    "token_exchange": {
        "grant": {"type": "urn:ietf:params:oauth:grant-type:token-exchange", "requested": _REQUESTED},
        "subject": {**_USER, "source": "subject_token"},
        "actor": {"sub": "books-web", "type": "client", "source": "actor_token"},
        "token_exchange": {
            "semantics": "delegation",
            "subject_token": {"type": _ACCESS_TOKEN, "origin": "local", "claims": {"sub": "alice"}},
            "actor_token": {"type": _ACCESS_TOKEN, "origin": "local", "claims": {"sub": "books-web"}},
            "act_depth": 1,
        },
    },
    "registration": {
        "registration": {
            "operation": "create",
            "auth": {"kind": "initial_access_token"},
            "metadata": {"client_name": "Books", "redirect_uris": ["https://books.example/callback"]},
        },
    },
    "claims": {
        "subject": _USER,
        "claims": {
            "target": "userinfo",
            "requested": [{"name": "email", "essential": False}, {"name": "name", "essential": False}],
        },
    },
    "introspection": {
        "subject": _USER,
        "introspection": {
            "caller": {"client_id": "reports-api", "in_audience": True},
            "token": {"authorization_id": "az_1", "kind": "access_token", "claims": {"sub": "alice"}},
        },
    },
    "logout": {
        "subject": {**_USER, "source": "session"},
        "session": _SESSION,
        "logout": {
            "initiator": "rp",
            "clients": [{"client_id": "books-web", "frontchannel": False, "backchannel": True}],
        },
    },
}

_GRANT: dict[str, Any] = {
    "scope": _SCOPE,
    "resources": _RESOURCES,
    "access_token": {"encoding": "jwt", "lifetime": 300, "sender_constraint": "if_presented"},
    "refresh_token": {"issue": False},
    "id_token": {"issue": False},
}
_GRANT_LIMITS: dict[str, Any] = {
    "sub": "fixed",
    "act": "forbidden",
    "may_act": "forbidden",
    "scope": _SCOPE,
    "resources": _RESOURCES,
    "authorization_details": [],
    "claims": {},
    "authentication": "forbidden",
    "access_token": {
        "max_lifetime": 600,
        "audiences": _RESOURCES,
        "encodings": ["jwt", "opaque"],
        "sub_types": ["public"],
        "encrypt": False,
        "single_use": True,
        "max_claims_bytes": 8192,
    },
    "refresh_token": {"allowed": False, "max_lifetime": 0, "max_idle": 0, "max_grace": 0},
    "id_token": {
        "allowed": False,
        "max_lifetime": 0,
        "audiences": [],
        "max_claims_bytes": 0,
        "reissue_on_refresh": False,
    },
    "max_userinfo_bytes": 8192,
    "max_data_bytes": 8192,
    "max_claims_context_bytes": 4096,
    "reserved_claims": _RESERVED,
}
_SESSION_LIMITS = {"max_life": 86400, "max_idle": 3600, "auth_life": 3600}
_TOKEN_RESPONSE = {"reserved": ["access_token", "token_type", "expires_in", "scope"], "max_bytes": 4096}

# What is proposed besides a grant, and its limits.
_OTHER: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "authorization.request": (
        {"demand": {"acr_values": [], "acr_essential": False, "force_auth": False}},
        {"demand": {"acr_values": [], "uis": ["login"]}},
    ),
    "interaction.evaluate": (
        {"consent": {"ask": False}, "session": {}},
        {"consent": {"ask": True}, "session": _SESSION_LIMITS},
    ),
    "device.request": (
        {"device": {"expires_in": 600, "interval": 5}},
        {"device": {"max_expires_in": 600, "min_interval": 5}},
    ),
    "ciba.request": (
        {"ciba": {"expires_in": 300, "interval": 5}},
        {"ciba": {"sub": "settable", "max_expires_in": 300, "min_interval": 5, "max_channel_bytes": 4096}},
    ),
    "assertion.saml2": ({}, {"saml2_bearer": {"reserved": [], "max_bytes": 65536}}),
    "client.register": (
        {"client": {"client_name": "Books", "redirect_uris": ["https://books.example/callback"]}},
        {"client": {"members": ["client_name", "scope"], "grant_types": ["authorization_code"]}},
    ),
    "client.delete": ({}, {}),
    "claims.source": (
        {"claims": {}},
        {"claims": {"names": ["email", "name"], "max_bytes": 16384, "claim_sources": False}},
    ),
    "token.introspect": (
        {"introspection": {"active": True, "sub": "alice", "client_id": "books-web"}},
        {"introspection": {"scope": _SCOPE, "reserved": ["active"], "max_bytes": 16384}},
    ),
    "logout.evaluate": ({"logout": {"confirm": True}}, {"logout": {"skip_confirm": False}}),
}
_OTHER["client.update"] = _OTHER["client.register"]

# Types that establish who the user is.
_ESTABLISH = ("grant.password", "grant.jwt_bearer", "grant.saml2_bearer")
_WITH_GRANT = ("authorization.request", "interaction.evaluate", "interaction.approve", "device.request", "ciba.request")


def parts(hook: HookType) -> dict[str, Any]:
    """Facts, proposal and limits of a request of this type."""
    proposal, limits = _OTHER.get(hook, ({}, {}))
    made: dict[str, Any] = {**_EVERY, **_FACTS[RULES[hook].section]}
    if hook == "interaction.approve":
        made["interaction"] = {
            **made["interaction"],
            "stage": "approve",
            "consent": {"scope": _SCOPE, "explicit": True},
        }
    if hook.startswith("grant.") or hook in _WITH_GRANT:
        proposal, limits = {**proposal, "grant": dict(_GRANT)}, {**limits, "grant": dict(_GRANT_LIMITS)}
        if hook in _ESTABLISH:
            limits["grant"].update(sub="settable", authentication="settable")
            made["requires"] = ["/grant/sub"]
        elif "subject" in made:
            proposal["grant"]["sub"] = made["subject"]["sub"]
        if hook == "grant.token_exchange":
            proposal["grant"]["act"] = {"sub": "books-web", "client_id": "books-web"}
            limits["grant"]["act"] = "settable"
    if hook.startswith("grant."):
        limits = {**limits, "token_response": _TOKEN_RESPONSE}
    return {**made, "proposal": proposal, "limits": limits}
