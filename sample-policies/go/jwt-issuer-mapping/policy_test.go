package main

import (
	"strings"
	"testing"

	"placet.example/placet"
	"placet.example/placet/placettest"
)

func sampleConfig(t *testing.T) config {
	t.Helper()
	c, err := parse(sample)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// ask asks about an assertion of alice by a partner, with a patch over it.
func ask(t *testing.T, c config, patch map[string]any) map[string]any {
	t.Helper()
	envelope := placettest.Merge(placettest.Envelope(placet.HookTypeGrantJWTBearer), patch).(map[string]any)
	return placettest.Ask(t, c.policy(placet.Secret(placettest.Secret)), envelope)
}

func section(patch map[string]any) map[string]any { return map[string]any{"jwt_bearer": patch} }

func reason(decision map[string]any) any {
	code, _ := placettest.At(decision, "/reason/code")
	return code
}

func TestTheSampleConfigurationDecidesAsItsCasesSay(t *testing.T) {
	placettest.Cases(t, sampleConfig(t).policy(placet.Secret(placettest.Secret)), "cases.json")
}

func TestWhatTheServerDidNotVerifyIsRefused(t *testing.T) {
	for _, fact := range []string{"signature", "audience"} {
		decision := ask(t, sampleConfig(t), section(map[string]any{"verified": map[string]any{fact: false}}))
		if decision["decision"] != "deny" || reason(decision) != "not_verified" {
			t.Errorf("without %s: %v", fact, decision)
		}
	}
}

func TestAnAssertionThatNamesAnotherIssuerIsRefused(t *testing.T) {
	claims := map[string]any{"assertion": map[string]any{"claims": map[string]any{"iss": "https://ci.example"}}}
	if decision := ask(t, sampleConfig(t), section(claims)); reason(decision) != "unknown_issuer" {
		t.Errorf("the decision is %v", decision)
	}
}

func TestASubjectThatIsNoTextIsRefused(t *testing.T) {
	for _, sub := range []any{nil, "", 7.0, []any{"alice@partner.example"}, map[string]any{}} {
		claims := map[string]any{"assertion": map[string]any{"claims": map[string]any{"sub": sub}}}
		if decision := ask(t, sampleConfig(t), section(claims)); reason(decision) != "unknown_subject" {
			t.Errorf("%v: the decision is %v", sub, decision)
		}
	}
}

func TestASubjectThatGetsTooLongWithItsPrefixIsRefused(t *testing.T) {
	ci := func(length int) map[string]any {
		return ask(t, sampleConfig(t), map[string]any{
			"jwt_bearer": map[string]any{
				"issuer": map[string]any{"id": "https://ci.example"},
				"assertion": map[string]any{
					"claims": map[string]any{"iss": "https://ci.example", "sub": strings.Repeat("x", length)},
				},
			},
			"proposal": map[string]any{"grant": map[string]any{"scope": []any{"deploy"}}},
			"limits":   map[string]any{"grant": map[string]any{"scope": []any{"deploy"}}},
		})
	}
	if decision := ci(252); decision["decision"] != "allow" {
		t.Errorf("255 characters: %v", decision)
	}
	if decision := ci(253); reason(decision) != "unknown_subject" {
		t.Errorf("256 characters: %v", decision)
	}
}

func TestWhereTheSubjectIsFixedNothingIsMapped(t *testing.T) {
	fixed := map[string]any{"limits": map[string]any{"grant": map[string]any{"sub": "fixed"}}}
	if decision := ask(t, sampleConfig(t), fixed); reason(decision) != "subject_is_fixed" {
		t.Errorf("the decision is %v", decision)
	}
}

func TestOnlyProposedScopeIsGranted(t *testing.T) {
	decision := ask(t, sampleConfig(t), nil)
	scope, _ := placettest.At(decision, "/set/grant/scope")
	if values, ok := scope.([]any); !ok || len(values) != 1 || values[0] != "orders.read" {
		t.Errorf("the scope is %v", scope)
	}
}

func TestAClientSpeaksForItselfIfTheConfigurationSaysSoAndForNobodyElse(t *testing.T) {
	c := sampleConfig(t)
	c.SelfIssued = true
	itself := map[string]any{
		"jwt_bearer": map[string]any{"trust": "self"},
		"proposal":   map[string]any{"grant": map[string]any{"sub": "svc-orders"}},
	}
	decision := ask(t, c, itself)
	if _, set := decision["set"]; decision["decision"] != "allow" || set {
		t.Errorf("for itself: %v", decision)
	}
	if decision := ask(t, c, section(map[string]any{"trust": "self"})); decision["decision"] != "deny" {
		t.Errorf("for alice: %v", decision)
	}
	if decision := ask(t, sampleConfig(t), itself); decision["decision"] != "deny" {
		t.Errorf("if the configuration does not say so: %v", decision)
	}
}

func TestAConfigurationThatCannotBeMeantIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"no issuers":        `{}`,
		"unknown member":    `{"issuer": {}}`,
		"no JSON":           `issuers`,
		"no subjects":       `{"issuers": {"https://a.example": {"scope": ["x"]}}}`,
		"no scope":          `{"issuers": {"https://a.example": {"prefix": "a:"}}}`,
		"an empty subject":  `{"issuers": {"https://a.example": {"subjects": {"a": ""}, "scope": ["x"]}}}`,
		"negative lifetime": `{"issuers": {"https://a.example": {"prefix": "a:", "scope": ["x"], "lifetime": -1}}}`,
		"no colon":          `{"issuers": {"https://a.example": {"prefix": "a", "scope": ["x"]}}}`,
		"a prefix of a prefix": `{"issuers": {"https://a.example": {"prefix": "a:", "scope": ["x"]},
			"https://b.example": {"prefix": "a:b:", "scope": ["x"]}}}`,
		"one prefix twice": `{"issuers": {"https://a.example": {"prefix": "a:", "scope": ["x"]},
			"https://b.example": {"prefix": "a:", "scope": ["x"]}}}`,
	} {
		if _, err := parse([]byte(text)); err == nil {
			t.Errorf("%s: it is accepted", name)
		}
	}
}
