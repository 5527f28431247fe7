// Written by `npm run generate` from sdk/schemas/1. Do not edit.

/** The decision points and their rules: what an answer may set, with which codes it may deny. */
export const rules = {
  "assertion.saml2": {
    "cacheable": false,
    "challengeable": false,
    "default_timeout_ms": 2000,
    "error_codes": [
      "invalid_request",
      "invalid_grant",
      "invalid_scope",
      "invalid_target",
      "invalid_authorization_details",
      "unauthorized_client",
      "access_denied"
    ],
    "needs_policy": true,
    "section": "raw_assertion",
    "settable": [
      "saml2_bearer"
    ]
  },
  "authorization.request": {
    "cacheable": true,
    "challengeable": false,
    "default_timeout_ms": 800,
    "error_codes": [
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
      "temporarily_unavailable"
    ],
    "needs_policy": false,
    "section": "authorization_request",
    "settable": [
      "demand",
      "grant"
    ]
  },
  "ciba.request": {
    "cacheable": false,
    "challengeable": false,
    "default_timeout_ms": 3000,
    "error_codes": [
      "access_denied",
      "unauthorized_client",
      "invalid_scope",
      "invalid_target",
      "unknown_user_id",
      "missing_user_code",
      "invalid_user_code",
      "invalid_binding_message",
      "expired_login_hint_token"
    ],
    "needs_policy": false,
    "section": "ciba",
    "settable": [
      "ciba",
      "grant"
    ]
  },
  "claims.source": {
    "cacheable": true,
    "challengeable": false,
    "default_timeout_ms": 300,
    "error_codes": [
      "access_denied"
    ],
    "needs_policy": false,
    "section": "claims",
    "settable": [
      "claims",
      "claim_sources"
    ]
  },
  "client.delete": {
    "cacheable": false,
    "challengeable": false,
    "default_timeout_ms": 3000,
    "error_codes": [
      "access_denied",
      "invalid_redirect_uri",
      "invalid_client_metadata",
      "invalid_software_statement",
      "unapproved_software_statement"
    ],
    "needs_policy": false,
    "section": "registration",
    "settable": []
  },
  "client.register": {
    "cacheable": false,
    "challengeable": false,
    "default_timeout_ms": 3000,
    "error_codes": [
      "access_denied",
      "invalid_redirect_uri",
      "invalid_client_metadata",
      "invalid_software_statement",
      "unapproved_software_statement"
    ],
    "needs_policy": false,
    "section": "registration",
    "settable": [
      "client"
    ]
  },
  "client.update": {
    "cacheable": false,
    "challengeable": false,
    "default_timeout_ms": 3000,
    "error_codes": [
      "access_denied",
      "invalid_redirect_uri",
      "invalid_client_metadata",
      "invalid_software_statement",
      "unapproved_software_statement"
    ],
    "needs_policy": false,
    "section": "registration",
    "settable": [
      "client"
    ]
  },
  "device.request": {
    "cacheable": true,
    "challengeable": false,
    "default_timeout_ms": 800,
    "error_codes": [
      "access_denied",
      "unauthorized_client",
      "invalid_scope",
      "invalid_target"
    ],
    "needs_policy": false,
    "section": "device",
    "settable": [
      "device",
      "grant"
    ]
  },
  "grant.authorization_code": {
    "cacheable": true,
    "challengeable": true,
    "default_timeout_ms": 800,
    "error_codes": [
      "invalid_request",
      "invalid_grant",
      "invalid_scope",
      "invalid_target",
      "invalid_authorization_details",
      "unauthorized_client",
      "access_denied"
    ],
    "needs_policy": false,
    "section": "authorization",
    "settable": [
      "grant",
      "token_response"
    ]
  },
  "grant.ciba": {
    "cacheable": true,
    "challengeable": true,
    "default_timeout_ms": 800,
    "error_codes": [
      "invalid_request",
      "invalid_grant",
      "invalid_scope",
      "invalid_target",
      "invalid_authorization_details",
      "unauthorized_client",
      "access_denied"
    ],
    "needs_policy": false,
    "section": "authorization",
    "settable": [
      "grant",
      "token_response"
    ]
  },
  "grant.client_credentials": {
    "cacheable": true,
    "challengeable": false,
    "default_timeout_ms": 800,
    "error_codes": [
      "invalid_request",
      "invalid_grant",
      "invalid_scope",
      "invalid_target",
      "invalid_authorization_details",
      "unauthorized_client",
      "access_denied"
    ],
    "needs_policy": false,
    "section": "client_credentials",
    "settable": [
      "grant",
      "token_response"
    ]
  },
  "grant.device_code": {
    "cacheable": true,
    "challengeable": true,
    "default_timeout_ms": 800,
    "error_codes": [
      "invalid_request",
      "invalid_grant",
      "invalid_scope",
      "invalid_target",
      "invalid_authorization_details",
      "unauthorized_client",
      "access_denied"
    ],
    "needs_policy": false,
    "section": "authorization",
    "settable": [
      "grant",
      "token_response"
    ]
  },
  "grant.jwt_bearer": {
    "cacheable": true,
    "challengeable": true,
    "default_timeout_ms": 800,
    "error_codes": [
      "invalid_request",
      "invalid_grant",
      "invalid_scope",
      "invalid_target",
      "invalid_authorization_details",
      "unauthorized_client",
      "access_denied"
    ],
    "needs_policy": false,
    "section": "jwt_bearer",
    "settable": [
      "grant",
      "token_response"
    ]
  },
  "grant.password": {
    "cacheable": false,
    "challengeable": true,
    "default_timeout_ms": 3000,
    "error_codes": [
      "invalid_request",
      "invalid_grant",
      "invalid_scope",
      "invalid_target",
      "invalid_authorization_details",
      "unauthorized_client",
      "access_denied"
    ],
    "needs_policy": true,
    "section": "password",
    "settable": [
      "grant",
      "token_response"
    ]
  },
  "grant.refresh_token": {
    "cacheable": true,
    "challengeable": true,
    "default_timeout_ms": 800,
    "error_codes": [
      "invalid_request",
      "invalid_grant",
      "invalid_scope",
      "invalid_target",
      "invalid_authorization_details",
      "unauthorized_client",
      "access_denied"
    ],
    "needs_policy": false,
    "section": "refresh_token",
    "settable": [
      "grant",
      "token_response"
    ]
  },
  "grant.saml2_bearer": {
    "cacheable": false,
    "challengeable": true,
    "default_timeout_ms": 800,
    "error_codes": [
      "invalid_request",
      "invalid_grant",
      "invalid_scope",
      "invalid_target",
      "invalid_authorization_details",
      "unauthorized_client",
      "access_denied"
    ],
    "needs_policy": true,
    "section": "saml2_bearer",
    "settable": [
      "grant",
      "token_response"
    ]
  },
  "grant.token_exchange": {
    "cacheable": true,
    "challengeable": true,
    "default_timeout_ms": 800,
    "error_codes": [
      "invalid_request",
      "invalid_grant",
      "invalid_scope",
      "invalid_target",
      "invalid_authorization_details",
      "unauthorized_client",
      "access_denied"
    ],
    "needs_policy": true,
    "section": "token_exchange",
    "settable": [
      "grant",
      "token_response"
    ]
  },
  "interaction.approve": {
    "cacheable": false,
    "challengeable": true,
    "default_timeout_ms": 800,
    "error_codes": [
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
      "temporarily_unavailable"
    ],
    "needs_policy": false,
    "section": "interaction",
    "settable": [
      "grant"
    ]
  },
  "interaction.evaluate": {
    "cacheable": false,
    "challengeable": true,
    "default_timeout_ms": 800,
    "error_codes": [
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
      "temporarily_unavailable"
    ],
    "needs_policy": false,
    "section": "interaction",
    "settable": [
      "grant",
      "consent",
      "session"
    ]
  },
  "logout.evaluate": {
    "cacheable": false,
    "challengeable": false,
    "default_timeout_ms": 800,
    "error_codes": [
      "access_denied"
    ],
    "needs_policy": false,
    "section": "logout",
    "settable": [
      "logout"
    ]
  },
  "token.introspect": {
    "cacheable": true,
    "challengeable": false,
    "default_timeout_ms": 300,
    "error_codes": [
      "access_denied"
    ],
    "needs_policy": false,
    "section": "introspection",
    "settable": [
      "introspection"
    ]
  }
} as const;
