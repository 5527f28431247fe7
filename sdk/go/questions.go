package placet

// What each handler is given: the request, and what only its type of decision has. A section that the server left
// out,
// because the policy does not need it, is empty.

type (
	// AuthorizationRequest is the question of `authorization.request`: an authorization request is valid; nobody
	// was prompted yet.
	AuthorizationRequest struct {
		*DecisionRequest
		AuthorizationRequest AuthorizationRequestSection
	}

	// InteractionEvaluate is the question of `interaction.evaluate`: the user is known; consent was not asked yet.
	InteractionEvaluate struct {
		*DecisionRequest
		Interaction InteractionFacts
	}

	// InteractionApprove is the question of `interaction.approve`: consent was given; the grant is not stored yet.
	InteractionApprove struct {
		*DecisionRequest
		Interaction InteractionFacts
	}

	// DeviceRequest is the question of `device.request`: a device asks for a code (RFC 8628 section 3.1).
	DeviceRequest struct {
		*DecisionRequest
		Device DeviceSection
	}

	// CIBARequest is the question of `ciba.request`: a client starts backchannel authentication: the hint has to
	// become a user.
	CIBARequest struct {
		*DecisionRequest
		CIBA CIBASection
	}

	// AuthorizationCode is the question of `grant.authorization_code`: a code is redeemed (RFC 6749 section 4.1.3).
	AuthorizationCode struct {
		*DecisionRequest
		Authorization AuthorizationFacts
	}

	// DeviceCode is the question of `grant.device_code`: a device polls an approved request.
	DeviceCode struct {
		*DecisionRequest
		Authorization AuthorizationFacts
	}

	// CIBA is the question of `grant.ciba`: a backchannel authentication is approved and its tokens are asked for.
	CIBA struct {
		*DecisionRequest
		Authorization AuthorizationFacts
	}

	// RefreshToken is the question of `grant.refresh_token`: a refresh token is used (RFC 6749 section 6).
	RefreshToken struct {
		*DecisionRequest
		RefreshToken RefreshTokenSection
	}

	// Password is the question of `grant.password`: a client presents a user's name and password (RFC 6749 section
	// 4.3).
	Password struct {
		*DecisionRequest
		Password PasswordSection
	}

	// ClientCredentials is the question of `grant.client_credentials`: a client asks on its own behalf (RFC 6749
	// section 4.4).
	ClientCredentials struct {
		*DecisionRequest
	}

	// JWTBearer is the question of `grant.jwt_bearer`: a client presents a JWT (RFC 7523 section 2.1).
	JWTBearer struct {
		*DecisionRequest
		JWTBearer JWTBearerSection
	}

	// AssertionSAML2 is the question of `assertion.saml2`: a SAML assertion has to become facts, before SAML2Bearer.
	AssertionSAML2 struct {
		*DecisionRequest
		RawAssertion RawAssertionSection
	}

	// SAML2Bearer is the question of `grant.saml2_bearer`: a client presents a SAML assertion (RFC 7522 section
	// 2.1).
	SAML2Bearer struct {
		*DecisionRequest
		SAML2Bearer SAML2BearerSection
	}

	// TokenExchange is the question of `grant.token_exchange`: a token is exchanged for another (RFC 8693).
	TokenExchange struct {
		*DecisionRequest
		TokenExchange TokenExchangeSection
	}

	// ClientRegister is the question of `client.register`: a client registers (RFC 7591).
	ClientRegister struct {
		*DecisionRequest
		Registration RegistrationSection
	}

	// ClientUpdate is the question of `client.update`: a client changes its registration (RFC 7592).
	ClientUpdate struct {
		*DecisionRequest
		Registration RegistrationSection
	}

	// ClientDelete is the question of `client.delete`: a client deletes its registration (RFC 7592).
	ClientDelete struct {
		*DecisionRequest
		Registration RegistrationSection
	}

	// ClaimsSource is the question of `claims.source`: claims of a user are needed.
	ClaimsSource struct {
		*DecisionRequest
		Claims ClaimsSection
	}

	// TokenIntrospect is the question of `token.introspect`: a token was found active (RFC 7662).
	TokenIntrospect struct {
		*DecisionRequest
		Introspection IntrospectionSection
	}

	// LogoutEvaluate is the question of `logout.evaluate`: a logout is asked for.
	LogoutEvaluate struct {
		*DecisionRequest
		Logout LogoutSection
	}
)
