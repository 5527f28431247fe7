package placet_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"placet.example/placet"
	"placet.example/placet/placettest"
)

const (
	otherSecret    = "whsec_HxweHRobGBkWFxQVEhMQEQ4PDA0KCwgJBgcEBQIDAAE="
	responseSecret = "whsec_QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaW1xdXl8="
)

var quiet = placet.Logger(log.New(io.Discard, "", 0))

// policyOf decides `grant.client_credentials` with one handler, and keeps quiet about failures.
func policyOf(
	t *testing.T, decide func(context.Context, *placet.ClientCredentials) placet.Decision, options ...placet.Option,
) *placet.Policy {
	t.Helper()
	p := placet.New(append([]placet.Option{placet.Secret(placettest.Secret), quiet}, options...)...)
	if decide != nil {
		p.ClientCredentials(decide)
	}
	return p
}

func allow(_ context.Context, x *placet.ClientCredentials) placet.Decision { return x.Allow() }

func envelope() map[string]any { return placettest.Envelope(placet.HookTypeGrantClientCredentials) }

func serve(p http.Handler, request *http.Request) *httptest.ResponseRecorder {
	recorder := httptest.NewRecorder()
	p.ServeHTTP(recorder, request)
	return recorder
}

func expect(t *testing.T, response *httptest.ResponseRecorder, status int, code string) {
	t.Helper()
	var problem struct{ Code string }
	if err := json.Unmarshal(response.Body.Bytes(), &problem); err != nil {
		t.Fatalf("%d, and the body is no JSON: %v", response.Code, err)
	}
	if response.Code != status || problem.Code != code {
		t.Errorf("the answer is %d `%s`, not %d `%s`", response.Code, problem.Code, status, code)
	}
	if got := response.Header().Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("the content type is `%s`", got)
	}
}

// signed is a request with any body.
func signed(id, body string) *http.Request {
	request := httptest.NewRequest(http.MethodPost, "/decide", strings.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	placettest.Sign(request.Header, placettest.Secret, id, time.Now(), []byte(body))
	return request
}

func TestAnAnswerRepeatsTheIDAndIsNotStored(t *testing.T) {
	asked := envelope()
	response := serve(policyOf(t, allow), placettest.Request(asked))
	var decision map[string]any
	if err := json.Unmarshal(response.Body.Bytes(), &decision); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(decision, map[string]any{"id": asked["id"], "decision": "allow"}) {
		t.Errorf("the decision is %v", decision)
	}
	header := response.Header()
	if header.Get("Content-Type") != "application/json" || header.Get("Cache-Control") != "no-store" {
		t.Errorf("the headers are %v", header)
	}
	if header.Get("webhook-signature") != "" {
		t.Error("the answer is signed without a secret for it")
	}
}

func TestEachTypeReachesItsHandlerWithItsSection(t *testing.T) {
	p := placet.New(placet.Secret(placettest.Secret))
	seen := map[string]bool{}
	see := func(r *placet.DecisionRequest, fact any) placet.Decision {
		seen[string(r.Type)] = !reflect.ValueOf(fact).IsZero()
		return r.Allow()
	}
	type ctx = context.Context
	p.AuthorizationRequest(func(_ ctx, x *placet.AuthorizationRequest) placet.Decision {
		return see(x.DecisionRequest, x.AuthorizationRequest.Request.RedirectURI)
	})
	p.InteractionEvaluate(func(_ ctx, x *placet.InteractionEvaluate) placet.Decision {
		return see(x.DecisionRequest, x.Interaction.Stage == placet.InteractionStageEvaluate)
	})
	p.InteractionApprove(func(_ ctx, x *placet.InteractionApprove) placet.Decision {
		return see(x.DecisionRequest, x.Interaction.Consent)
	})
	p.DeviceRequest(func(_ ctx, x *placet.DeviceRequest) placet.Decision { return see(x.DecisionRequest, x.Device) })
	p.CIBARequest(func(_ ctx, x *placet.CIBARequest) placet.Decision { return see(x.DecisionRequest, x.CIBA.Hint.Value) })
	p.AuthorizationCode(func(_ ctx, x *placet.AuthorizationCode) placet.Decision {
		return see(x.DecisionRequest, x.Authorization.GrantedAt)
	})
	p.DeviceCode(func(_ ctx, x *placet.DeviceCode) placet.Decision { return see(x.DecisionRequest, x.Authorization.ID) })
	p.CIBA(func(_ ctx, x *placet.CIBA) placet.Decision {
		return see(x.DecisionRequest, x.Authorization.Kind == "ciba")
	})
	p.RefreshToken(func(_ ctx, x *placet.RefreshToken) placet.Decision {
		return see(x.DecisionRequest, x.RefreshToken.Original.Scope)
	})
	p.Password(func(_ ctx, x *placet.Password) placet.Decision { return see(x.DecisionRequest, x.Password.Password) })
	p.ClientCredentials(func(_ ctx, x *placet.ClientCredentials) placet.Decision {
		return see(x.DecisionRequest, x.Client.ClientID)
	})
	p.JWTBearer(func(_ ctx, x *placet.JWTBearer) placet.Decision {
		return see(x.DecisionRequest, x.JWTBearer.Assertion.Claims)
	})
	p.AssertionSAML2(func(_ ctx, x *placet.AssertionSAML2) placet.Decision {
		return see(x.DecisionRequest, x.RawAssertion.Value)
	})
	p.SAML2Bearer(func(_ ctx, x *placet.SAML2Bearer) placet.Decision {
		return see(x.DecisionRequest, x.SAML2Bearer.Assertion.NameID)
	})
	p.TokenExchange(func(_ ctx, x *placet.TokenExchange) placet.Decision {
		return see(x.DecisionRequest, x.TokenExchange.ActorToken)
	})
	p.ClientRegister(func(_ ctx, x *placet.ClientRegister) placet.Decision {
		return see(x.DecisionRequest, x.Registration.Metadata)
	})
	p.ClientUpdate(func(_ ctx, x *placet.ClientUpdate) placet.Decision {
		return see(x.DecisionRequest, x.Registration.Existing)
	})
	p.ClientDelete(func(_ ctx, x *placet.ClientDelete) placet.Decision {
		return see(x.DecisionRequest, x.Registration.Operation == "delete")
	})
	p.ClaimsSource(func(_ ctx, x *placet.ClaimsSource) placet.Decision { return see(x.DecisionRequest, x.Claims.Requested) })
	p.TokenIntrospect(func(_ ctx, x *placet.TokenIntrospect) placet.Decision {
		return see(x.DecisionRequest, x.Introspection.Caller)
	})
	p.LogoutEvaluate(func(_ ctx, x *placet.LogoutEvaluate) placet.Decision { return see(x.DecisionRequest, x.Logout.Clients) })

	for _, hook := range placettest.Types() {
		t.Run(string(hook), func(t *testing.T) {
			placettest.Ask(t, p, placettest.Envelope(hook))
			if !seen[string(hook)] {
				t.Error("the handler does not see what is asked")
			}
			other := placet.New(placet.Secret(placettest.Secret))
			expect(t, serve(other, placettest.Request(placettest.Envelope(hook))), 501, "not_implemented")
		})
	}
	if len(seen) != 21 {
		t.Errorf("%d types are decided", len(seen))
	}
}

func TestAnUnknownTypeIsNotImplemented(t *testing.T) {
	asked := placettest.Envelope("grant.implicit")
	expect(t, serve(policyOf(t, allow), placettest.Request(asked)), 501, "not_implemented")
}

func TestUnknownMembersAndHeadersAreIgnoredAndMissingSectionsAreEmpty(t *testing.T) {
	asked := placettest.Merge(envelope(), map[string]any{
		"weather": map[string]any{"rain": true}, "client": map[string]any{"shoe_size": 42.0}, "client_credentials": nil,
		"limits": map[string]any{"grant": map[string]any{"max_puns": 3.0}},
	}).(map[string]any)
	request := placettest.Request(asked)
	request.Header.Set("Placet-Weather", "rain")
	if response := serve(policyOf(t, allow), request); response.Code != 200 {
		t.Errorf("the answer is %d: %s", response.Code, response.Body)
	}

	p := policyOf(t, nil)
	p.JWTBearer(func(_ context.Context, x *placet.JWTBearer) placet.Decision {
		if x.Client == nil && x.JWTBearer.Issuer.ID == "" && !x.Limits.MaySetSubject() {
			return placet.Deny("invalid_grant", "")
		}
		return x.Allow()
	})
	bare := placettest.Merge(placettest.Envelope(placet.HookTypeGrantJWTBearer), map[string]any{
		"client": nil, "jwt_bearer": nil, "limits": map[string]any{"grant": nil},
	}).(map[string]any)
	if decision := placettest.Ask(t, p, bare); decision["decision"] != "deny" {
		t.Errorf("the decision is %v", decision)
	}
}

func TestARequestThatTheServerDidNotSignIsRefused(t *testing.T) {
	called := false
	p := policyOf(t, func(_ context.Context, x *placet.ClientCredentials) placet.Decision {
		called = true
		return x.Allow()
	})
	replace := func(r *http.Request, secret string, off time.Duration) {
		body, _ := json.Marshal(envelope())
		placettest.Sign(r.Header, secret, r.Header.Get("webhook-id"), time.Now().Add(off), body)
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	changes := map[string]func(*http.Request){
		"no signature":              func(r *http.Request) { r.Header.Del("webhook-signature") },
		"a signature of nothing":    func(r *http.Request) { r.Header.Set("webhook-signature", "v1,") },
		"another secret":            func(r *http.Request) { replace(r, otherSecret, 0) },
		"an old timestamp":          func(r *http.Request) { replace(r, placettest.Secret, -10*time.Minute) },
		"a timestamp of the future": func(r *http.Request) { replace(r, placettest.Secret, 10*time.Minute) },
		"an altered body": func(r *http.Request) {
			r.Body = io.NopCloser(strings.NewReader(`{"id":"dec_1","type":"grant.client_credentials"}`))
		},
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			request := placettest.Request(envelope())
			change(request)
			expect(t, serve(p, request), 401, "signature")
		})
	}
	if called {
		t.Error("the handler was asked")
	}
}

func TestThePreviousSecretAndTheSecondSignatureAreAccepted(t *testing.T) {
	p := placet.New(placet.Secret(otherSecret, placettest.Secret))
	p.ClientCredentials(allow)
	request := placettest.Request(envelope())
	request.Header.Set("webhook-signature", "v1,AAAA "+request.Header.Get("webhook-signature"))
	if response := serve(p, request); response.Code != 200 {
		t.Errorf("the answer is %d", response.Code)
	}
}

func TestAHeaderThatSaysSomethingElseThanTheBodyIsRefused(t *testing.T) {
	p := policyOf(t, allow)
	for name, value := range map[string]string{
		"Placet-Protocol": "1.1", "Placet-Type": "grant.password", "Placet-Issuer": "https://evil.example",
		"Placet-Tenant": "acme",
	} {
		request := placettest.Request(envelope())
		request.Header.Set(name, value)
		t.Run(name, func(t *testing.T) { expect(t, serve(p, request), 400, "header_mismatch") })
	}
	body, _ := json.Marshal(envelope())
	expect(t, serve(p, signed("dec_other", string(body))), 400, "header_mismatch")

	request := placettest.Request(envelope())
	request.Header.Set("Placet-Protocol", "1.0")
	request.Header.Set("Placet-Type", "grant.client_credentials")
	request.Header.Set("Placet-Issuer", "https://as.example")
	if response := serve(p, request); response.Code != 200 {
		t.Errorf("headers that agree: %d", response.Code)
	}
}

func TestAMalformedBodyIsRefused(t *testing.T) {
	p := policyOf(t, allow)
	without := func(name string) string {
		body, _ := json.Marshal(placettest.Merge(envelope(), map[string]any{"id": "dec_1", name: nil}))
		return string(body)
	}
	with := func(name string, value any) string {
		body, _ := json.Marshal(placettest.Merge(envelope(), map[string]any{"id": "dec_1", name: value}))
		return string(body)
	}
	whole := with("attempt", 1)
	for name, body := range map[string]string{
		"empty":               "",
		"no JSON":             "{id: dec_1}",
		"cut off":             whole[:len(whole)-1],
		"more than one":       whole + "{}",
		"an array":            "[" + whole + "]",
		"a string":            `"dec_1"`,
		"a name twice":        whole[:len(whole)-1] + `,"id":"dec_1"}`,
		"a name twice inside": whole[:len(whole)-1] + `,"x":[{"a":1,"\u0061":2}]}`,
		"too deep":            whole[:len(whole)-1] + `,"x":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + "}",
		"no UTF-8":            whole[:len(whole)-1] + ",\"x\":\"\xff\"}",
		"no id":               without("id"),
		"no type":             without("type"),
		"no issuer":           without("issuer"),
		"no protocol":         without("protocol"),
		"another protocol":    with("protocol", "2.0"),
		"a wrong kind":        with("limits", []any{}),
		"no instant":          with("time", "yesterday"),
	} {
		t.Run(name, func(t *testing.T) { expect(t, serve(p, signed("dec_1", body)), 400, "malformed") })
	}
}

func TestOnlyJSONOfABoundedSizeIsRead(t *testing.T) {
	p := policyOf(t, allow)
	for _, contentType := range []string{"", "text/plain", "application/json; charset=latin1", "application/", "json"} {
		request := placettest.Request(envelope())
		request.Header.Set("Content-Type", contentType)
		expect(t, serve(p, request), 415, "content_type")
	}
	packed := placettest.Request(envelope())
	packed.Header.Set("Content-Encoding", "gzip")
	expect(t, serve(p, packed), 415, "content_type")

	charset := placettest.Request(envelope())
	charset.Header.Set("Content-Type", "application/json; charset=UTF-8")
	if response := serve(p, charset); response.Code != 200 {
		t.Errorf("UTF-8 named: %d", response.Code)
	}

	large := envelope()
	large["padding"] = strings.Repeat("x", 256<<10)
	expect(t, serve(p, placettest.Request(large)), 413, "too_large")
	large["padding"] = strings.Repeat("x", 200<<10)
	if response := serve(p, placettest.Request(large)); response.Code != 200 {
		t.Errorf("200 KiB: %d", response.Code)
	}
}

func TestOnlyPOSTIsAskedAndOnlyAtItsPaths(t *testing.T) {
	p := policyOf(t, allow, placet.ID("https://policy.example/placet"))
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete, http.MethodOptions} {
		response := serve(p, httptest.NewRequest(method, "/decide", nil))
		if response.Code != 405 || response.Header().Get("Allow") != "POST" {
			t.Errorf("%s: %d, allowed is `%s`", method, response.Code, response.Header().Get("Allow"))
		}
	}
	for path, status := range map[string]int{
		"/": 200, "/decide": 200, "/placet": 200, "/placet/": 200, "/placet/decide": 200,
		"/other": 404, "/decide/": 404, "/other/decide": 404,
	} {
		request := placettest.Request(envelope())
		request.URL.Path = path
		if response := serve(p, request); response.Code != status {
			t.Errorf("%s: %d", path, response.Code)
		}
	}
}
