package main

import (
	"reflect"
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

// shaped is what a rule for everybody sets, given a patch over the request.
func shaped(t *testing.T, rule rule, patch map[string]any) any {
	t.Helper()
	envelope := placettest.Merge(placettest.Envelope(placet.HookTypeTokenIntrospect), patch).(map[string]any)
	p := config{Others: rule}.policy(placet.Secret(placettest.Secret))
	set, _ := placettest.At(placettest.Ask(t, p, envelope), "/set/introspection")
	return set
}

func TestTheSampleConfigurationDecidesAsItsCasesSay(t *testing.T) {
	placettest.Cases(t, sampleConfig(t).policy(placet.Secret(placettest.Secret)), "cases.json")
}

func TestARuleThatSaysNothingChangesNothing(t *testing.T) {
	if set := shaped(t, rule{}, nil); set != nil {
		t.Errorf("it sets %v", set)
	}
}

func TestWhatIsNotThereIsNotHidden(t *testing.T) {
	if set := shaped(t, rule{Hide: []string{"phone_number"}}, nil); set != nil {
		t.Errorf("it sets %v", set)
	}
}

func TestWhatIsThereIsNotReplaced(t *testing.T) {
	add := rule{
		Add: map[string]any{"email": "bob@example.com", "tier": "gold"}, AddFromData: map[string]string{"department": "team"},
	}
	data := map[string]any{"introspection": map[string]any{"token": map[string]any{"data": map[string]any{"team": "hr"}}}}
	if set := shaped(t, add, data); !reflect.DeepEqual(set, map[string]any{"tier": "gold"}) {
		t.Errorf("it sets %v", set)
	}
}

func TestWhatTheServerReservesStays(t *testing.T) {
	everything := rule{
		Hide: []string{"sub", "email"}, ScopePrefixes: []string{"x."}, Add: map[string]any{"may_act": "bob", "tier": "gold"},
	}
	reserved := map[string]any{"limits": map[string]any{"introspection": map[string]any{
		"reserved": []any{"sub", "scope", "may_act", "tier"},
	}}}
	if set := shaped(t, everything, reserved); !reflect.DeepEqual(set, map[string]any{"email": nil}) {
		t.Errorf("it sets %v", set)
	}
}

func TestWhatHasNoRoomIsLeftOut(t *testing.T) {
	add := rule{Hide: []string{"email"}, Add: map[string]any{"a": "short", "b": "rather longer", "c": 1}}
	response, _ := placettest.At(placettest.Envelope(placet.HookTypeTokenIntrospect), "/proposal/introspection")
	proposed := size(response)
	room := func(bytes int) map[string]any {
		return map[string]any{"limits": map[string]any{"introspection": map[string]any{"max_bytes": proposed + bytes}}}
	}
	for bytes, expected := range map[int]map[string]any{
		0:  {"email": nil},
		7:  {"email": nil, "c": 1.0},
		20: {"email": nil, "a": "short", "c": 1.0},
		60: {"email": nil, "a": "short", "b": "rather longer", "c": 1.0},
	} {
		if set := shaped(t, add, room(bytes)); !reflect.DeepEqual(set, expected) {
			t.Errorf("with room for %d bytes it sets %v", bytes, set)
		}
	}
}

func TestScopeThatDoesNotConcernTheCallerIsNotShown(t *testing.T) {
	if set := shaped(t, rule{ScopePrefixes: []string{"x."}}, nil); !reflect.DeepEqual(set, map[string]any{"scope": ""}) {
		t.Errorf("it sets %v", set)
	}
	if set := shaped(t, rule{ScopePrefixes: []string{"openid", "orders."}}, nil); set != nil {
		t.Errorf("scope that all concerns the caller: it sets %v", set)
	}
}

func TestWithoutLimitsNothingIsSet(t *testing.T) {
	everything := rule{Hide: []string{"email"}, ScopePrefixes: []string{"x"}, Add: map[string]any{"tier": "gold"}}
	if set := shaped(t, everything, map[string]any{"limits": map[string]any{"introspection": nil}}); set != nil {
		t.Errorf("it sets %v", set)
	}
}

func TestAConfigurationThatCannotBeMeantIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"no JSON":           `callers`,
		"unknown member":    `{"caller": {}}`,
		"negative cache":    `{"cache": -1}`,
		"hidden and added":  `{"callers": {"svc": {"hide": ["a"], "add": {"a": 1}}}}`,
		"hidden and copied": `{"others": {"hide": ["a"], "add_from_data": {"a": "b"}}}`,
		"hidden scope":      `{"others": {"hide": ["scope"]}}`,
		"added null":        `{"others": {"add": {"a": null}}}`,
	} {
		if _, err := parse([]byte(text)); err == nil {
			t.Errorf("%s: it is accepted", name)
		}
	}
}
