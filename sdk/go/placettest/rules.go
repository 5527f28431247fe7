// Code generated from the JSON Schemas, DO NOT EDIT.

package placettest

var rules = []rule{
	{
		hook:      "assertion.saml2",
		settable:  []string{"saml2_bearer"},
		codes:     []string{"invalid_request", "invalid_grant", "invalid_scope", "invalid_target", "invalid_authorization_details", "unauthorized_client", "access_denied"},
		challenge: false,
	},
	{
		hook:      "authorization.request",
		settable:  []string{"demand", "grant"},
		codes:     []string{"access_denied", "login_required", "consent_required", "interaction_required", "account_selection_required", "unmet_authentication_requirements", "invalid_scope", "invalid_target", "invalid_authorization_details", "unauthorized_client", "temporarily_unavailable"},
		challenge: false,
	},
	{
		hook:      "ciba.request",
		settable:  []string{"ciba", "grant"},
		codes:     []string{"access_denied", "unauthorized_client", "invalid_scope", "invalid_target", "unknown_user_id", "missing_user_code", "invalid_user_code", "invalid_binding_message", "expired_login_hint_token"},
		challenge: false,
	},
	{
		hook:      "claims.source",
		settable:  []string{"claims", "claim_sources"},
		codes:     []string{"access_denied"},
		challenge: false,
	},
	{
		hook:      "client.delete",
		settable:  []string{},
		codes:     []string{"access_denied", "invalid_redirect_uri", "invalid_client_metadata", "invalid_software_statement", "unapproved_software_statement"},
		challenge: false,
	},
	{
		hook:      "client.register",
		settable:  []string{"client"},
		codes:     []string{"access_denied", "invalid_redirect_uri", "invalid_client_metadata", "invalid_software_statement", "unapproved_software_statement"},
		challenge: false,
	},
	{
		hook:      "client.update",
		settable:  []string{"client"},
		codes:     []string{"access_denied", "invalid_redirect_uri", "invalid_client_metadata", "invalid_software_statement", "unapproved_software_statement"},
		challenge: false,
	},
	{
		hook:      "device.request",
		settable:  []string{"device", "grant"},
		codes:     []string{"access_denied", "unauthorized_client", "invalid_scope", "invalid_target"},
		challenge: false,
	},
	{
		hook:      "grant.authorization_code",
		settable:  []string{"grant", "token_response"},
		codes:     []string{"invalid_request", "invalid_grant", "invalid_scope", "invalid_target", "invalid_authorization_details", "unauthorized_client", "access_denied"},
		challenge: true,
	},
	{
		hook:      "grant.ciba",
		settable:  []string{"grant", "token_response"},
		codes:     []string{"invalid_request", "invalid_grant", "invalid_scope", "invalid_target", "invalid_authorization_details", "unauthorized_client", "access_denied"},
		challenge: true,
	},
	{
		hook:      "grant.client_credentials",
		settable:  []string{"grant", "token_response"},
		codes:     []string{"invalid_request", "invalid_grant", "invalid_scope", "invalid_target", "invalid_authorization_details", "unauthorized_client", "access_denied"},
		challenge: false,
	},
	{
		hook:      "grant.device_code",
		settable:  []string{"grant", "token_response"},
		codes:     []string{"invalid_request", "invalid_grant", "invalid_scope", "invalid_target", "invalid_authorization_details", "unauthorized_client", "access_denied"},
		challenge: true,
	},
	{
		hook:      "grant.jwt_bearer",
		settable:  []string{"grant", "token_response"},
		codes:     []string{"invalid_request", "invalid_grant", "invalid_scope", "invalid_target", "invalid_authorization_details", "unauthorized_client", "access_denied"},
		challenge: true,
	},
	{
		hook:      "grant.password",
		settable:  []string{"grant", "token_response"},
		codes:     []string{"invalid_request", "invalid_grant", "invalid_scope", "invalid_target", "invalid_authorization_details", "unauthorized_client", "access_denied"},
		challenge: true,
	},
	{
		hook:      "grant.refresh_token",
		settable:  []string{"grant", "token_response"},
		codes:     []string{"invalid_request", "invalid_grant", "invalid_scope", "invalid_target", "invalid_authorization_details", "unauthorized_client", "access_denied"},
		challenge: true,
	},
	{
		hook:      "grant.saml2_bearer",
		settable:  []string{"grant", "token_response"},
		codes:     []string{"invalid_request", "invalid_grant", "invalid_scope", "invalid_target", "invalid_authorization_details", "unauthorized_client", "access_denied"},
		challenge: true,
	},
	{
		hook:      "grant.token_exchange",
		settable:  []string{"grant", "token_response"},
		codes:     []string{"invalid_request", "invalid_grant", "invalid_scope", "invalid_target", "invalid_authorization_details", "unauthorized_client", "access_denied"},
		challenge: true,
	},
	{
		hook:      "interaction.approve",
		settable:  []string{"grant"},
		codes:     []string{"access_denied", "login_required", "consent_required", "interaction_required", "account_selection_required", "unmet_authentication_requirements", "invalid_scope", "invalid_target", "invalid_authorization_details", "unauthorized_client", "temporarily_unavailable"},
		challenge: true,
	},
	{
		hook:      "interaction.evaluate",
		settable:  []string{"grant", "consent", "session"},
		codes:     []string{"access_denied", "login_required", "consent_required", "interaction_required", "account_selection_required", "unmet_authentication_requirements", "invalid_scope", "invalid_target", "invalid_authorization_details", "unauthorized_client", "temporarily_unavailable"},
		challenge: true,
	},
	{
		hook:      "logout.evaluate",
		settable:  []string{"logout"},
		codes:     []string{"access_denied"},
		challenge: false,
	},
	{
		hook:      "token.introspect",
		settable:  []string{"introspection"},
		codes:     []string{"access_denied"},
		challenge: false,
	},
}
