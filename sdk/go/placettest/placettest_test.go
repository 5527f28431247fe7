package placettest_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"placet.example/placet"
	"placet.example/placet/placettest"
)

func value(t *testing.T, text string) any {
	t.Helper()
	var parsed any
	if err := json.Unmarshal([]byte(text), &parsed); err != nil {
		t.Fatal(err)
	}
	return parsed
}

// The table of RFC 7396, appendix A.
func TestAMergePatchDoesWhatItsSpecificationSays(t *testing.T) {
	for _, example := range [][3]string{
		{`{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`},
		{`{"a":"b"}`, `{"a":null}`, `{}`},
		{`{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`},
		{`{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"c"}`, `{"a":["b"]}`, `{"a":["b"]}`},
		{`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`},
		{`{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`},
		{`["a","b"]`, `["c","d"]`, `["c","d"]`},
		{`{"a":"b"}`, `["c"]`, `["c"]`},
		{`{"a":"foo"}`, `null`, `null`},
		{`{"a":"foo"}`, `"bar"`, `"bar"`},
		{`{"e":null}`, `{"a":1}`, `{"e":null,"a":1}`},
		{`[1,2]`, `{"a":"b","c":null}`, `{"a":"b"}`},
		{`{}`, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`},
	} {
		if got := placettest.Merge(value(t, example[0]), value(t, example[1])); !reflect.DeepEqual(got, value(t, example[2])) {
			t.Errorf("%s over %s is %v", example[1], example[0], got)
		}
	}
}

func TestAPointerFindsMembersAndElements(t *testing.T) {
	document := value(t, `{"a":[{"b/c":1},null],"":2}`)
	for pointer, expected := range map[string]any{"/a/0/b~1c": 1.0, "/a/1": nil, "/": 2.0, "": document} {
		if got, ok := placettest.At(document, pointer); !ok || !reflect.DeepEqual(got, expected) {
			t.Errorf("`%s` is %v", pointer, got)
		}
	}
	for _, pointer := range []string{"a", "/b", "/a/2", "/a/-1", "/a/x", "/a/0/b~1c/d"} {
		if got, ok := placettest.At(document, pointer); ok {
			t.Errorf("`%s` is %v", pointer, got)
		}
	}
}

func TestEachTypeHasAnEnvelopeOfItsOwn(t *testing.T) {
	for _, hook := range placettest.Types() {
		first, second := placettest.Envelope(hook), placettest.Envelope(hook)
		if first["type"] != string(hook) || first["id"] == second["id"] {
			t.Errorf("%s: %v and %v", hook, first["id"], second["id"])
		}
	}
}

func TestCasesAreRunAsTestsOfTheirOwn(t *testing.T) {
	p := placet.New(placet.Secret(placettest.Secret))
	p.ClientCredentials(func(_ context.Context, x *placet.ClientCredentials) placet.Decision {
		if x.Client.ClientID == "bob" {
			return placet.Deny("access_denied", "not bob")
		}
		return x.Allow().Scope(x.Limits.ScopeWithPrefix("orders.")...)
	})
	path := filepath.Join(t.TempDir(), "cases.json")
	if err := os.WriteFile(path, []byte(`{"cases": [
		{"name": "others may", "given": {"type": "grant.client_credentials"},
		 "expect": {"decision": "allow", "pointers": {"/set/grant/scope": ["orders.read"]}}},
		{"name": "bob may not", "given": {"type": "grant.client_credentials", "patch": {"client": {"client_id": "bob"}}},
		 "expect": {"decision": "deny", "pointers": {"/error/code": "access_denied"}}}
	]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	placettest.Cases(t, p, path)
}
