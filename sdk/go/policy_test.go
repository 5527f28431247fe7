package placet_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"placet.example/placet"
	"placet.example/placet/placettest"
)

func TestTheTypesAreThoseOfTheSchemas(t *testing.T) {
	sum := sha256.New()
	for _, name := range []string{"decision-request.json", "decision.json", "policy-document.json"} {
		text, err := os.ReadFile(filepath.Join("..", "schemas", "1", name))
		if err != nil {
			t.Fatal(err)
		}
		sum.Write(text)
	}
	types, err := os.ReadFile("types.go")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(types, []byte(fmt.Sprintf("// Schemas: sha256 %x\n", sum.Sum(nil)))) {
		t.Error("the schemas have changed: run `go generate` in sdk/go, with Go 1.25 or newer")
	}
}

func TestAnswersAreSignedWithASecretOfTheirOwn(t *testing.T) {
	asked := envelope()
	request := placettest.Request(asked)
	response := serve(policyOf(t, allow, placet.ResponseSecret(responseSecret)), request)
	header := response.Header()
	if response.Code != 200 || header.Get("webhook-id") != asked["id"] {
		t.Fatalf("the answer is %d, with the id `%s`", response.Code, header.Get("webhook-id"))
	}
	var seconds int64
	if _, err := fmt.Sscan(header.Get("webhook-timestamp"), &seconds); err != nil {
		t.Fatal(err)
	}
	expected := http.Header{}
	placettest.Sign(expected, responseSecret, asked["id"].(string), time.Unix(seconds, 0), response.Body.Bytes())
	if header.Get("webhook-signature") != expected.Get("webhook-signature") {
		t.Error("the signature does not verify")
	}
	for _, text := range []string{response.Body.String(), fmt.Sprint(header)} {
		for _, secret := range []string{placettest.Secret[6:], responseSecret[6:]} {
			if strings.Contains(text, secret) {
				t.Error("the answer has a secret")
			}
		}
	}
}

func TestAPolicyWithoutItsSecretsDecidesNothing(t *testing.T) {
	for name, options := range map[string][]placet.Option{
		"none":                  {},
		"a bad one":             {placet.Secret("whsec_short")},
		"a bad previous one":    {placet.Secret(placettest.Secret, "secret")},
		"a bad one for answers": {placet.Secret(placettest.Secret), placet.ResponseSecret("secret")},
		"the same for answers":  {placet.ResponseSecret(placettest.Secret), placet.Secret(otherSecret, placettest.Secret)},
		"a bad id":              {placet.Secret(placettest.Secret), placet.ID("policy.example")},
		"an id with a query":    {placet.Secret(placettest.Secret), placet.ID("https://policy.example/?x=1")},
		"an id with a user":     {placet.Secret(placettest.Secret), placet.ID("https://alice@policy.example/")},
	} {
		t.Run(name, func(t *testing.T) {
			p := placet.New(append(options, quiet)...)
			p.ClientCredentials(allow)
			if p.Err() == nil {
				t.Error("there is no error")
			}
			expect(t, serve(p, placettest.Request(envelope())), 500, "internal")
			expect(t, serve(p, httptest.NewRequest(http.MethodGet, "/healthz", nil)), 500, "internal")
			if err := placet.Configure(p, "127.0.0.1:8092"); err == nil {
				t.Error("it would listen")
			}
		})
	}
}

func TestTheEnvironmentConfigures(t *testing.T) {
	for name, value := range map[string]string{
		"PLACET_SECRET": otherSecret, "PLACET_PREVIOUS_SECRET": placettest.Secret,
		"PLACET_RESPONSE_SECRET": responseSecret, "PLACET_SIDECAR_ID": "https://policy.example/placet",
	} {
		t.Setenv(name, value)
	}
	for name, p := range map[string]*placet.Policy{"by option": placet.New(placet.SecretFromEnv()), "left open": placet.New()} {
		if err := placet.Configure(p, "127.0.0.1:8092"); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		p.ClientCredentials(allow)
		response := serve(p, placettest.Request(envelope()))
		if response.Code != 200 || response.Header().Get("webhook-signature") == "" {
			t.Errorf("%s: %d", name, response.Code)
		}
		if id := p.Document().Sidecar.ID; id != "https://policy.example/placet" {
			t.Errorf("%s: the id is `%s`", name, id)
		}
	}
	t.Setenv("PLACET_SIDECAR_ID", "")
	p := placet.New()
	if err := placet.Configure(p, "127.0.0.1:8092"); err != nil || p.Document().Sidecar.ID != "http://127.0.0.1:8092" {
		t.Errorf("without an id: %v, `%s`", err, p.Document().Sidecar.ID)
	}
	t.Setenv("PLACET_SECRET", "")
	if p := placet.New(placet.SecretFromEnv()); p.Err() == nil || !strings.Contains(p.Err().Error(), "PLACET_SECRET") {
		t.Errorf("without a secret: %v", p.Err())
	}
}

func TestTheDiscoveryDocumentSaysWhatIsDecided(t *testing.T) {
	p := policyOf(t, nil, placet.ID("https://policy.example/placet"), placet.Version("acme", "7"),
		placet.Docs("https://policy.example/docs"), placet.ResponseSecret(responseSecret))
	p.JWTBearer(nobody[placet.JWTBearer])
	p.ClientCredentials(allow, placet.Needs("/client/client_id"), placet.Returns("/grant/scope"), placet.Cacheable())
	for _, path := range []string{
		"/.well-known/placet-policy", "/.well-known/placet-policy/placet", "/placet/.well-known/placet-policy",
	} {
		response := serve(p, httptest.NewRequest(http.MethodGet, path, nil))
		var document map[string]any
		if err := json.Unmarshal(response.Body.Bytes(), &document); err != nil {
			t.Fatalf("%s: %d %v", path, response.Code, err)
		}
		expected := map[string]any{
			"sidecar":           map[string]any{"id": "https://policy.example/placet", "name": "acme", "version": "7"},
			"protocols":         []any{"1.0"},
			"decision_endpoint": "https://policy.example/placet/decide",
			"health_endpoint":   "https://policy.example/placet/healthz",
			"types": []any{
				map[string]any{
					"type": "grant.client_credentials", "needs": []any{"/client/client_id"},
					"returns": []any{"/grant/scope"}, "cacheable": true,
				},
				map[string]any{"type": "grant.jwt_bearer"},
			},
			"auth":  map[string]any{"request": []any{"signature"}, "signed_response": true},
			"modes": []any{"enforce", "shadow", "test"},
			"docs":  "https://policy.example/docs",
		}
		if !reflect.DeepEqual(document, expected) {
			t.Errorf("%s: the document is %v", path, document)
		}
	}
	expect(t, serve(p, httptest.NewRequest(http.MethodPost, "/.well-known/placet-policy", nil)), 405, "method")
	nameless := policyOf(t, allow)
	expect(t, serve(nameless, httptest.NewRequest(http.MethodGet, "/.well-known/placet-policy", nil)), 404, "not_found")

	decision := placettest.Ask(t, p, envelope())
	if !reflect.DeepEqual(decision["policy"], map[string]any{"name": "acme", "version": "7"}) {
		t.Errorf("the decision is by %v", decision["policy"])
	}
}

func TestHealthIsToldWithoutASignature(t *testing.T) {
	p := policyOf(t, allow, placet.ID("https://policy.example/placet"))
	for _, path := range []string{"/healthz", "/placet/healthz"} {
		if response := serve(p, httptest.NewRequest(http.MethodGet, path, nil)); response.Code != 200 {
			t.Errorf("%s: %d", path, response.Code)
		}
	}
	expect(t, serve(p, httptest.NewRequest(http.MethodDelete, "/healthz", nil)), 405, "method")
}

func TestATypeHasOneHandler(t *testing.T) {
	for name, wrong := range map[string]func(*placet.Policy){
		"a second one": func(p *placet.Policy) { p.ClientCredentials(allow) },
		"nil":          func(p *placet.Policy) { p.Password(nil) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("it is accepted")
				}
			}()
			wrong(policyOf(t, allow))
		})
	}
}

func TestAServerAnswersOverTheNetworkAndEndsWhenAsked(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ended := make(chan error, 1)
	p := policyOf(t, allow)
	go func() { ended <- placet.Serve(ctx, p, listener) }()

	asked := placettest.Request(envelope())
	request, err := http.NewRequest(http.MethodPost, "http://"+listener.Addr().String()+"/", asked.Body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header = asked.Header
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != 200 {
		t.Errorf("the answer is %d", response.StatusCode)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("it ends with %v", err)
	}
}

func nobody[Q any](context.Context, *Q) placet.Decision { return placet.Deny("access_denied", "") }
