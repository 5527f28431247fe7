package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"placet.example/placet"
	"placet.example/placet/placettest"
)

const schemaFolder = "../../../schemas/1"

func TestGeneratingAgainGivesTheSameFiles(t *testing.T) {
	for name, generate := range files {
		source, err := generate(schemaFolder)
		if err != nil {
			t.Fatal(err)
		}
		kept, err := os.ReadFile(filepath.Join("../..", name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(source, kept) {
			t.Errorf("%s is not what `go generate` writes", name)
		}
	}
}

func TestTheEnvelopesForTestsAreValid(t *testing.T) {
	schema := compile(t, "decision-request.json")
	for _, hook := range placettest.Types() {
		if err := schema.Validate(placettest.Envelope(hook)); err != nil {
			t.Errorf("%s: %v", hook, err)
		}
	}
}

func TestEveryEnvelopeSurvivesTheTypes(t *testing.T) {
	schema := compile(t, "decision-request.json")
	for _, hook := range placettest.Types() {
		text, err := json.Marshal(placettest.Envelope(hook))
		if err != nil {
			t.Fatal(err)
		}
		var request placet.DecisionRequest
		if err := json.Unmarshal(text, &request); err != nil {
			t.Fatalf("%s: %v", hook, err)
		}
		again, err := json.Marshal(request)
		if err != nil {
			t.Fatal(err)
		}
		var read any
		if err := json.Unmarshal(again, &read); err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(read); err != nil {
			t.Errorf("%s: %v", hook, err)
		}
	}
}

func TestDecisionsAndTheDiscoveryDocumentAreValid(t *testing.T) {
	p := placet.New(placet.Secret(placettest.Secret), placet.ID("https://policy.example"), placet.Version("sample", "1"))
	p.RefreshToken(func(_ context.Context, x *placet.RefreshToken) placet.Decision {
		switch x.Client.ClientID {
		case "step up":
			return placet.StepUp("urn:placet:acr:mfa").AMR("otp").MaxAge(0).Message("more")
		case "consent":
			return placet.AskConsent()
		case "account":
			return placet.SelectAccount()
		case "page":
			return placet.ShowPage("terms", nil)
		case "deny":
			return placet.Deny("access_denied", "no").URI("https://policy.example/why").Reason("no").Detail("never")
		}
		return x.Allow().Scope().Data("x", nil).Reason("yes").Tag("a", "b").Cache(1).StaleIfError(1)
	}, placet.Needs("/client"), placet.Returns("/grant/scope"), placet.Cacheable())
	schema := compile(t, "decision.json")
	for _, client := range []string{"allow", "deny", "step up", "consent", "account", "page"} {
		asked := placettest.Merge(placettest.Envelope(placet.HookTypeGrantRefreshToken), map[string]any{
			"client": map[string]any{"client_id": client},
		})
		if err := schema.Validate(placettest.Ask(t, p, asked.(map[string]any))); err != nil {
			t.Errorf("%s: %v", client, err)
		}
	}
	text, err := json.Marshal(p.Document())
	if err != nil {
		t.Fatal(err)
	}
	var document any
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	if err := compile(t, "policy-document.json").Validate(document); err != nil {
		t.Error(err)
	}
}

func compile(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	schema, err := compiler.Compile(schemaFolder + "/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}
