package placettest

import (
	"fmt"
	"strings"

	"placet.example/placet"
)

// A rule is what a type of decision may be answered with.
type rule struct {
	hook      placet.HookType
	settable  []string // sections
	codes     []string // of errors
	challenge bool
}

// differences is what of a decision the type does not allow.
func (r rule) differences(decision map[string]any) []string {
	var differences []string
	note := func(format string, args ...any) {
		differences = append(differences, fmt.Sprintf("`%s` "+format, append([]any{r.hook}, args...)...))
	}
	set, _ := decision["set"].(map[string]any)
	for section := range set {
		if !strings.HasPrefix(section, "x-") && !contains(r.settable, section) {
			note("does not let a policy set `%s`", section)
		}
	}
	if code, ok := At(decision, "/error/code"); ok && !contains(r.codes, fmt.Sprint(code)) {
		note("has no error `%v`", code)
	}
	if decision["decision"] == string(placet.VerdictChallenge) && !r.challenge {
		note("cannot be answered with a challenge")
	}
	return differences
}

func contains(values []string, wanted string) bool {
	for _, value := range values {
		if value == wanted {
			return true
		}
	}
	return false
}
