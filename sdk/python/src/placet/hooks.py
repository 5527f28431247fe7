"""The decision points."""

from .types import HookType

#: The member of a request that holds what only its type has.
SECTIONS: dict[HookType, str] = {
    "authorization.request": "authorization_request",
    "interaction.evaluate": "interaction",
    "interaction.approve": "interaction",
    "device.request": "device",
    "ciba.request": "ciba",
    "grant.authorization_code": "authorization",
    "grant.device_code": "authorization",
    "grant.ciba": "authorization",
    "grant.refresh_token": "refresh_token",
    "grant.password": "password",
    "grant.client_credentials": "client_credentials",
    "grant.jwt_bearer": "jwt_bearer",
    "assertion.saml2": "raw_assertion",
    "grant.saml2_bearer": "saml2_bearer",
    "grant.token_exchange": "token_exchange",
    "client.register": "registration",
    "client.update": "registration",
    "client.delete": "registration",
    "claims.source": "claims",
    "token.introspect": "introspection",
    "logout.evaluate": "logout",
}
