package placettest

import "testing"

func TestWhatIsNotAsExpectedIsNoticed(t *testing.T) {
	decision := map[string]any{"decision": "allow", "set": map[string]any{"grant": map[string]any{"sub": "alice"}}}
	for name, each := range map[string]struct {
		decision string
		pointers map[string]any
		absent   []string
		notes    int
	}{
		"nothing":          {"allow", map[string]any{"/set/grant/sub": "alice"}, []string{"/set/grant/scope"}, 0},
		"the decision":     {"deny", nil, nil, 1},
		"a value":          {"allow", map[string]any{"/set/grant/sub": "bob"}, nil, 1},
		"a missing value":  {"allow", map[string]any{"/set/grant/scope": nil}, nil, 1},
		"a value too many": {"allow", nil, []string{"/error", "/set"}, 1},
		"everything":       {"deny", map[string]any{"/set/grant/sub": 1.0, "/error": nil}, []string{"/decision"}, 4},
	} {
		var c testCase
		c.Expect.Decision, c.Expect.Pointers, c.Expect.Absent = each.decision, each.pointers, each.absent
		if notes := c.differences(decision); len(notes) != each.notes {
			t.Errorf("%s: %q", name, notes)
		}
	}
}

func TestWhatTheTypeDoesNotAllowIsNoticed(t *testing.T) {
	introspect := rules[len(rules)-1]
	if introspect.hook != "token.introspect" {
		t.Fatalf("the last type is `%s`", introspect.hook)
	}
	for name, each := range map[string]struct {
		decision map[string]any
		notes    int
	}{
		"an allow":          {map[string]any{"decision": "allow"}, 0},
		"its section":       {map[string]any{"set": map[string]any{"introspection": nil, "x-note": 1}}, 0},
		"another section":   {map[string]any{"set": map[string]any{"grant": nil}}, 1},
		"its error":         {map[string]any{"error": map[string]any{"code": "access_denied"}}, 0},
		"another error":     {map[string]any{"error": map[string]any{"code": "invalid_grant"}}, 1},
		"a demand of users": {map[string]any{"decision": "challenge"}, 1},
	} {
		if notes := introspect.differences(each.decision); len(notes) != each.notes {
			t.Errorf("%s: %q", name, notes)
		}
	}
}
