package placettest

import "testing"

func TestWhatIsNotAsExpectedIsNoticed(t *testing.T) {
	decision := map[string]any{"decision": "allow", "set": map[string]any{"grant": map[string]any{"sub": "alice"}}}
	for name, each := range map[string]struct {
		decision string
		pointers map[string]any
		notes    int
	}{
		"nothing":          {"allow", map[string]any{"/set/grant/sub": "alice"}, 0},
		"the decision":     {"deny", nil, 1},
		"a value":          {"allow", map[string]any{"/set/grant/sub": "bob"}, 1},
		"a missing value":  {"allow", map[string]any{"/set/grant/scope": nil}, 1},
		"a missing number": {"deny", map[string]any{"/set/grant/sub": 1.0, "/error": nil}, 3},
	} {
		var c testCase
		c.Expect.Decision, c.Expect.Pointers = each.decision, each.pointers
		if notes := c.differences(decision); len(notes) != each.notes {
			t.Errorf("%s: %q", name, notes)
		}
	}
}
