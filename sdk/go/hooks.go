package placet

import "context"

// AuthorizationRequest sets the handler of `authorization.request`: an authorization request is valid; nobody was
// prompted yet.
func (p *Policy) AuthorizationRequest(handler func(context.Context, *AuthorizationRequest) Decision, options ...HookOption) {
	register(p, HookTypeAuthorizationRequest, handler, options, func(r *DecisionRequest) AuthorizationRequest {
		return AuthorizationRequest{r, section(r.AuthorizationRequest)}
	})
}

// InteractionEvaluate sets the handler of `interaction.evaluate`: the user is known; consent was not asked yet.
func (p *Policy) InteractionEvaluate(handler func(context.Context, *InteractionEvaluate) Decision, options ...HookOption) {
	register(p, HookTypeInteractionEvaluate, handler, options, func(r *DecisionRequest) InteractionEvaluate {
		return InteractionEvaluate{r, section(r.Interaction)}
	})
}

// InteractionApprove sets the handler of `interaction.approve`: consent was given; the grant is not stored yet.
func (p *Policy) InteractionApprove(handler func(context.Context, *InteractionApprove) Decision, options ...HookOption) {
	register(p, HookTypeInteractionApprove, handler, options, func(r *DecisionRequest) InteractionApprove {
		return InteractionApprove{r, section(r.Interaction)}
	})
}

// DeviceRequest sets the handler of `device.request`: a device asks for a code (RFC 8628 section 3.1).
func (p *Policy) DeviceRequest(handler func(context.Context, *DeviceRequest) Decision, options ...HookOption) {
	register(p, HookTypeDeviceRequest, handler, options, func(r *DecisionRequest) DeviceRequest {
		return DeviceRequest{r, section(r.Device)}
	})
}

// CIBARequest sets the handler of `ciba.request`: a client starts backchannel authentication: the hint has to
// become a user.
func (p *Policy) CIBARequest(handler func(context.Context, *CIBARequest) Decision, options ...HookOption) {
	register(p, HookTypeCIBARequest, handler, options, func(r *DecisionRequest) CIBARequest {
		return CIBARequest{r, section(r.CIBA)}
	})
}

// AuthorizationCode sets the handler of `grant.authorization_code`: a code is redeemed (RFC 6749 section 4.1.3).
func (p *Policy) AuthorizationCode(handler func(context.Context, *AuthorizationCode) Decision, options ...HookOption) {
	register(p, HookTypeGrantAuthorizationCode, handler, options, func(r *DecisionRequest) AuthorizationCode {
		return AuthorizationCode{r, section(r.Authorization)}
	})
}

// DeviceCode sets the handler of `grant.device_code`: a device polls an approved request.
func (p *Policy) DeviceCode(handler func(context.Context, *DeviceCode) Decision, options ...HookOption) {
	register(p, HookTypeGrantDeviceCode, handler, options, func(r *DecisionRequest) DeviceCode {
		return DeviceCode{r, section(r.Authorization)}
	})
}

// CIBA sets the handler of `grant.ciba`: a backchannel authentication is approved and its tokens are asked for.
func (p *Policy) CIBA(handler func(context.Context, *CIBA) Decision, options ...HookOption) {
	register(p, HookTypeGrantCIBA, handler, options, func(r *DecisionRequest) CIBA {
		return CIBA{r, section(r.Authorization)}
	})
}

// RefreshToken sets the handler of `grant.refresh_token`: a refresh token is used (RFC 6749 section 6).
func (p *Policy) RefreshToken(handler func(context.Context, *RefreshToken) Decision, options ...HookOption) {
	register(p, HookTypeGrantRefreshToken, handler, options, func(r *DecisionRequest) RefreshToken {
		return RefreshToken{r, section(r.RefreshToken)}
	})
}

// Password sets the handler of `grant.password`: a client presents a user's name and password (RFC 6749 section
// 4.3).
func (p *Policy) Password(handler func(context.Context, *Password) Decision, options ...HookOption) {
	register(p, HookTypeGrantPassword, handler, options, func(r *DecisionRequest) Password {
		return Password{r, section(r.Password)}
	})
}

// ClientCredentials sets the handler of `grant.client_credentials`: a client asks on its own behalf (RFC 6749
// section 4.4).
func (p *Policy) ClientCredentials(handler func(context.Context, *ClientCredentials) Decision, options ...HookOption) {
	register(p, HookTypeGrantClientCredentials, handler, options, func(r *DecisionRequest) ClientCredentials {
		return ClientCredentials{r}
	})
}

// JWTBearer sets the handler of `grant.jwt_bearer`: a client presents a JWT (RFC 7523 section 2.1).
func (p *Policy) JWTBearer(handler func(context.Context, *JWTBearer) Decision, options ...HookOption) {
	register(p, HookTypeGrantJWTBearer, handler, options, func(r *DecisionRequest) JWTBearer {
		return JWTBearer{r, section(r.JWTBearer)}
	})
}

// AssertionSAML2 sets the handler of `assertion.saml2`: a SAML assertion has to become facts, before SAML2Bearer.
func (p *Policy) AssertionSAML2(handler func(context.Context, *AssertionSAML2) Decision, options ...HookOption) {
	register(p, HookTypeAssertionSAML2, handler, options, func(r *DecisionRequest) AssertionSAML2 {
		return AssertionSAML2{r, section(r.RawAssertion)}
	})
}

// SAML2Bearer sets the handler of `grant.saml2_bearer`: a client presents a SAML assertion (RFC 7522 section 2.1).
func (p *Policy) SAML2Bearer(handler func(context.Context, *SAML2Bearer) Decision, options ...HookOption) {
	register(p, HookTypeGrantSAML2Bearer, handler, options, func(r *DecisionRequest) SAML2Bearer {
		return SAML2Bearer{r, section(r.SAML2Bearer)}
	})
}

// TokenExchange sets the handler of `grant.token_exchange`: a token is exchanged for another (RFC 8693).
func (p *Policy) TokenExchange(handler func(context.Context, *TokenExchange) Decision, options ...HookOption) {
	register(p, HookTypeGrantTokenExchange, handler, options, func(r *DecisionRequest) TokenExchange {
		return TokenExchange{r, section(r.TokenExchange)}
	})
}

// ClientRegister sets the handler of `client.register`: a client registers (RFC 7591).
func (p *Policy) ClientRegister(handler func(context.Context, *ClientRegister) Decision, options ...HookOption) {
	register(p, HookTypeClientRegister, handler, options, func(r *DecisionRequest) ClientRegister {
		return ClientRegister{r, section(r.Registration)}
	})
}

// ClientUpdate sets the handler of `client.update`: a client changes its registration (RFC 7592).
func (p *Policy) ClientUpdate(handler func(context.Context, *ClientUpdate) Decision, options ...HookOption) {
	register(p, HookTypeClientUpdate, handler, options, func(r *DecisionRequest) ClientUpdate {
		return ClientUpdate{r, section(r.Registration)}
	})
}

// ClientDelete sets the handler of `client.delete`: a client deletes its registration (RFC 7592).
func (p *Policy) ClientDelete(handler func(context.Context, *ClientDelete) Decision, options ...HookOption) {
	register(p, HookTypeClientDelete, handler, options, func(r *DecisionRequest) ClientDelete {
		return ClientDelete{r, section(r.Registration)}
	})
}

// ClaimsSource sets the handler of `claims.source`: claims of a user are needed.
func (p *Policy) ClaimsSource(handler func(context.Context, *ClaimsSource) Decision, options ...HookOption) {
	register(p, HookTypeClaimsSource, handler, options, func(r *DecisionRequest) ClaimsSource {
		return ClaimsSource{r, section(r.Claims)}
	})
}

// TokenIntrospect sets the handler of `token.introspect`: a token was found active (RFC 7662).
func (p *Policy) TokenIntrospect(handler func(context.Context, *TokenIntrospect) Decision, options ...HookOption) {
	register(p, HookTypeTokenIntrospect, handler, options, func(r *DecisionRequest) TokenIntrospect {
		return TokenIntrospect{r, section(r.Introspection)}
	})
}

// LogoutEvaluate sets the handler of `logout.evaluate`: a logout is asked for.
func (p *Policy) LogoutEvaluate(handler func(context.Context, *LogoutEvaluate) Decision, options ...HookOption) {
	register(p, HookTypeLogoutEvaluate, handler, options, func(r *DecisionRequest) LogoutEvaluate {
		return LogoutEvaluate{r, section(r.Logout)}
	})
}

// register remembers a handler under its type of decision, as one that takes any request.
func register[Q any](
	p *Policy, hook HookType, handler func(context.Context, *Q) Decision, options []HookOption,
	question func(*DecisionRequest) Q,
) {
	if handler == nil {
		panic("placet: the handler of `" + string(hook) + "` is nil")
	}
	p.handle(hook, options, func(ctx context.Context, r *DecisionRequest) Decision {
		q := question(r)
		return handler(ctx, &q)
	})
}

func section[S any](given *S) S {
	if given == nil {
		var empty S
		return empty
	}
	return *given
}
