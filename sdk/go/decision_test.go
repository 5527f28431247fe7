package placet_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"placet.example/placet"
)

func request() *placet.DecisionRequest {
	return &placet.DecisionRequest{ID: "dec_1", Mode: placet.ModeEnforce}
}

// same compares what goes to the server with what should.
func same(t *testing.T, decision placet.Decision, expected string) {
	t.Helper()
	text, err := json.Marshal(decision.Answer())
	if err != nil {
		t.Fatal(err)
	}
	var got, wanted map[string]any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	delete(got, "id")
	if err := json.Unmarshal([]byte(expected), &wanted); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, wanted) {
		t.Errorf("the decision is %s, not %s", text, expected)
	}
}

func TestAnAllowSaysOnlyWhatItChanges(t *testing.T) {
	same(t, request().Allow(), `{"decision": "allow"}`)
	same(t, request().Allow().
		Scope("shipping.quote").Lifetime(2*time.Minute).SenderConstraint(placet.SenderConstraintRequired).
		AccessTokenClaim("order_limit_eur", 500).Data("ticket", "flow-17").
		Reason("delegation_ok").Detail("may_act names the actor").Tag("rule", "DEL-4").
		DecidedBy("delegation", "2026-11-20.3").Cache(20*time.Second).StaleIfError(time.Minute),
		`{
			"decision": "allow",
			"set": {"grant": {
				"scope": ["shipping.quote"],
				"access_token": {
					"lifetime": 120, "sender_constraint": "required", "claims": {"order_limit_eur": 500}
				},
				"data": {"ticket": "flow-17"}
			}},
			"reason": {"code": "delegation_ok", "detail": "may_act names the actor"}, "tags": {"rule": "DEL-4"},
			"policy": {"name": "delegation", "version": "2026-11-20.3"}, "cache": {"max_age": 20, "stale_if_error": 60}
		}`)
	at := time.Date(2026, 11, 23, 10, 20, 0, 0, time.FixedZone("CET", 3600))
	same(t, request().Allow().Subject("alice").Actor(placet.Actor{Sub: "svc-orders", Act: &placet.Actor{Sub: "gateway", ClientID: "gw"}}).
		Authentication(at, "urn:placet:acr:mfa", "pwd", "otp").Resources("https://api.example/orders").
		Audience("https://api.example/orders").IDTokenClaim("locale", "fr").UserinfoClaim("locale", "fr").
		RefreshToken(false),
		`{"decision": "allow", "set": {"grant": {
			"sub": "alice",
			"act": {
				"sub": "svc-orders", "iss": null, "client_id": null,
				"act": {"sub": "gateway", "iss": null, "client_id": "gw", "act": null}
			},
			"authentication": {
				"authenticated_at": "2026-11-23T09:20:00Z", "acr": "urn:placet:acr:mfa", "amr": ["pwd", "otp"]
			},
			"resources": ["https://api.example/orders"], "access_token": {"audience": ["https://api.example/orders"]},
			"id_token": {"claims": {"locale": "fr"}}, "userinfo": {"claims": {"locale": "fr"}},
			"refresh_token": {"issue": false}
		}}}`)
	same(t, request().Allow().Claim("department", "sales").Set("/consent/ask", true).Set("/claims/a~1b~0c", 1),
		`{"decision": "allow", "set": {"claims": {"department": "sales", "a/b~c": 1}, "consent": {"ask": true}}}`)
}

func TestNothingIsAnEmptyListAndRemovedIsNull(t *testing.T) {
	same(t, request().Allow().Scope().Resources().Audience().Member("tier", "gold").WithoutMember("sub"),
		`{"decision": "allow", "set": {
			"grant": {"scope": [], "resources": [], "access_token": {"audience": []}},
			"introspection": {"tier": "gold", "sub": null}
		}}`)
}

func TestADenialSaysWhatTheClientIsTold(t *testing.T) {
	same(t, placet.Deny("access_denied", ""), `{"decision": "deny", "error": {"code": "access_denied"}}`)
	same(t, placet.Deny("invalid_target", "not for you").URI("https://policy.example/why").Reason("no_contract"),
		`{
			"decision": "deny", "reason": {"code": "no_contract"},
			"error": {"code": "invalid_target", "description": "not for you", "uri": "https://policy.example/why"}
		}`)
}

func TestADemandSaysWhatIsNeeded(t *testing.T) {
	same(t, placet.StepUp("urn:placet:acr:mfa").AMR("otp").MaxAge(5*time.Minute).Message("Payments need more"),
		`{"decision": "challenge", "challenge": {
			"kind": "step_up", "acr_values": ["urn:placet:acr:mfa"], "amr_values": ["otp"], "max_age": 300,
			"message": "Payments need more"
		}}`)
	same(t, placet.StepUp().MaxAge(0), `{"decision": "challenge", "challenge": {"kind": "step_up", "max_age": 0}}`)
	same(t, placet.AskConsent("orders.write"),
		`{"decision": "challenge", "challenge": {"kind": "consent", "scope": ["orders.write"]}}`)
	same(t, placet.SelectAccount(), `{"decision": "challenge", "challenge": {"kind": "select_account"}}`)
	same(t, placet.ShowPage("accept_terms", map[string]any{"version": "2026-10"}),
		`{"decision": "challenge", "challenge": {
			"kind": "prompt", "name": "accept_terms", "params": {"version": "2026-10"}
		}}`)
}

func TestDecisionsThatShareABeginningShareNothingElse(t *testing.T) {
	common := request().Allow().Data("a", 1).Tag("a", "1")
	one, two := common.Data("b", 2).Tag("a", "2"), common.Data("c", 3).Tag("b", "3")
	same(t, common, `{"decision": "allow", "set": {"grant": {"data": {"a": 1}}}, "tags": {"a": "1"}}`)
	same(t, one, `{"decision": "allow", "set": {"grant": {"data": {"a": 1, "b": 2}}}, "tags": {"a": "2"}}`)
	same(t, two, `{"decision": "allow", "set": {"grant": {"data": {"a": 1, "c": 3}}}, "tags": {"a": "1", "b": "3"}}`)
}

func TestOnlyAnEnforcedDecisionMayHaveEffects(t *testing.T) {
	for mode, dry := range map[placet.Mode]bool{"enforce": false, "shadow": true, "test": true, "": true, "new": true} {
		asked := request()
		asked.Mode = mode
		if asked.DryRun() != dry {
			t.Errorf("`%s`: not %t", mode, dry)
		}
	}
}

func TestLimitsHelpToStayWithinThem(t *testing.T) {
	limits := placet.Limits{
		Grant: &placet.GrantLimits{
			Sub: placet.FreedomSettable, Authentication: placet.FreedomSettable, Scope: []string{"openid", "orders.read", "orders.write"},
			AccessToken: placet.AccessTokenLimits{MaxLifetime: 600},
		},
		Claims:        &placet.ClaimsLimits{Names: []string{"department"}},
		Introspection: &placet.IntrospectionLimits{Reserved: []string{"active"}},
	}
	for name, pair := range map[string][2]any{
		"where":        {limits.ScopeWhere(func(v string) bool { return len(v) > 6 }), []string{"orders.read", "orders.write"}},
		"prefix":       {limits.ScopeWithPrefix("orders.", "x"), []string{"orders.read", "orders.write"}},
		"no prefix":    {limits.ScopeWithPrefix(), []string{}},
		"in":           {limits.ScopeIn("orders.write", "admin"), []string{"orders.write"}},
		"short":        {limits.AccessTokenLifetime(time.Minute), time.Minute},
		"long":         {limits.AccessTokenLifetime(time.Hour), 10 * time.Minute},
		"subject":      {limits.MaySetSubject(), true},
		"authentic":    {limits.MaySetAuthentication(), true},
		"not so":       {placet.Limits{}.MaySetAuthentication(), false},
		"claim":        {limits.MayClaim("department"), true},
		"other claim":  {limits.MayClaim("salary"), false},
		"member":       {limits.MaySetMember("sub"), true},
		"other member": {limits.MaySetMember("active"), false},
		"no scope":     {placet.Limits{}.ScopeIn("openid"), []string{}},
		"no lifetime":  {placet.Limits{}.AccessTokenLifetime(time.Hour), time.Duration(0)},
		"no subject":   {placet.Limits{}.MaySetSubject(), false},
		"no claim":     {placet.Limits{}.MayClaim("department"), false},
		"no member":    {placet.Limits{}.MaySetMember("sub"), false},
	} {
		if !reflect.DeepEqual(pair[0], pair[1]) {
			t.Errorf("%s: %v, not %v", name, pair[0], pair[1])
		}
	}
}

func TestAPasswordIsNotPrinted(t *testing.T) {
	asked := placet.Password{
		DecisionRequest: request(), Password: placet.PasswordSection{Username: "alice", Password: "wonderland", OTP: "123456"},
	}
	asked.DecisionRequest.Password = &asked.Password
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		for _, value := range []any{asked, &asked, asked.Password, &asked.Password} {
			text := fmt.Sprintf(format, value)
			if strings.Contains(text, "wonderland") || strings.Contains(text, "123456") ||
				strings.Contains(text, fmt.Sprintf("%x", "wonderland")) {
				t.Errorf("`%s` prints %s", format, text)
			}
		}
	}
}
