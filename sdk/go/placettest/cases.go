package placettest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"placet.example/placet"
)

type caseFile struct {
	Cases []testCase `json:"cases"`
}

type testCase struct {
	Name  string `json:"name"`
	Given struct {
		Type  placet.HookType `json:"type"`
		Patch any             `json:"patch"`
	} `json:"given"`
	Expect struct {
		Decision string         `json:"decision"`
		Pointers map[string]any `json:"pointers"`
		Absent   []string       `json:"absent"`
	} `json:"expect"`
}

// Cases asks a policy what a file of cases says, each as a test of its own.
//
// A case gives a type, and a JSON Merge Patch over its Envelope; it expects a decision, values at JSON Pointers
// (RFC 6901) into the decision, and nothing at others. `placet check-sidecar --cases` reads the same files.
func Cases(t *testing.T, policy http.Handler, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var file caseFile
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields() // what is misspelt is not tested
	if err := decoder.Decode(&file); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	if len(file.Cases) == 0 {
		t.Fatalf("%s: there are no cases", path)
	}
	for _, each := range file.Cases {
		each := each
		t.Run(each.Name, func(t *testing.T) { each.run(t, policy) })
	}
}

func (c testCase) run(t *testing.T, policy http.Handler) {
	envelope := Envelope(c.Given.Type)
	if c.Given.Patch != nil {
		envelope = Merge(envelope, c.Given.Patch).(map[string]any)
	}
	for _, difference := range c.differences(Ask(t, policy, envelope)) {
		t.Error(difference)
	}
}

// differences is what is not as expected.
func (c testCase) differences(decision map[string]any) []string {
	var differences []string
	note := func(format string, args ...any) { differences = append(differences, fmt.Sprintf(format, args...)) }
	if decision["decision"] != c.Expect.Decision {
		note("the decision is `%v`, not `%s`: %v", decision["decision"], c.Expect.Decision, decision)
	}
	for pointer, expected := range c.Expect.Pointers {
		found, ok := At(decision, pointer)
		if !ok {
			note("`%s` is not there: %v", pointer, decision)
		} else if !reflect.DeepEqual(found, expected) {
			note("`%s` is `%v`, not `%v`", pointer, found, expected)
		}
	}
	for _, pointer := range c.Expect.Absent {
		if found, ok := At(decision, pointer); ok {
			note("`%s` is `%v`, and should not be there", pointer, found)
		}
	}
	return differences
}

// At is the value at a JSON Pointer (RFC 6901), if there is one.
func At(value any, pointer string) (any, bool) {
	if pointer == "" {
		return value, true
	}
	if !strings.HasPrefix(pointer, "/") {
		return nil, false
	}
	for _, name := range strings.Split(pointer[1:], "/") {
		name = strings.ReplaceAll(strings.ReplaceAll(name, "~1", "/"), "~0", "~")
		switch container := value.(type) {
		case map[string]any:
			member, ok := container[name]
			if !ok {
				return nil, false
			}
			value = member
		case []any:
			index, err := strconv.Atoi(name)
			if err != nil || index < 0 || index >= len(container) {
				return nil, false
			}
			value = container[index]
		default:
			return nil, false
		}
	}
	return value, true
}
