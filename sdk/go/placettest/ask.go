// Package placettest is for the tests of a policy: it makes decision requests, signs them as a server does, and runs
// cases that are written down as JSON.
//
//	func TestCases(t *testing.T) {
//		p := newPolicy(placet.Secret(placettest.Secret))
//		placettest.Cases(t, p, "cases.json")
//	}
package placettest

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Secret is a secret for tests. Everybody knows it.
const Secret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

// Request is a signed HTTP request with an envelope.
func Request(envelope map[string]any) *http.Request {
	body, err := json.Marshal(envelope)
	if err != nil {
		panic("placettest: " + err.Error())
	}
	id, _ := envelope["id"].(string)
	request := httptest.NewRequest(http.MethodPost, "/decide", bytes.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Placet-Timeout-Ms", "5000")
	Sign(request.Header, Secret, id, time.Now(), body)
	return request
}

// Sign sets the three headers of Standard Webhooks.
func Sign(header http.Header, secret, id string, now time.Time, body []byte) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		panic("placettest: the secret is no base64")
	}
	timestamp := strconv.FormatInt(now.Unix(), 10)
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + timestamp + "."))
	mac.Write(body)
	header.Set("webhook-id", id)
	header.Set("webhook-timestamp", timestamp)
	header.Set("webhook-signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}

// Ask asks a policy, and is its decision, as JSON. The test ends if there is none, and fails if it is none that the type
// allows; whether it is within the limits is for the server, and for `placet check-sidecar`.
func Ask(t testing.TB, policy http.Handler, envelope map[string]any) map[string]any {
	t.Helper()
	recorder := httptest.NewRecorder()
	policy.ServeHTTP(recorder, Request(envelope))
	if recorder.Code != http.StatusOK {
		t.Fatalf("the policy answers %d: %s", recorder.Code, recorder.Body)
	}
	var decision map[string]any
	if err := json.Unmarshal(recorder.Body.Bytes(), &decision); err != nil {
		t.Fatalf("the decision is no JSON: %v", err)
	}
	if decision["id"] != envelope["id"] {
		t.Fatalf("the decision has the id `%v`, and the request `%v`", decision["id"], envelope["id"])
	}
	for _, rule := range rules {
		if envelope["type"] == string(rule.hook) {
			for _, difference := range rule.differences(decision) {
				t.Error(difference)
			}
		}
	}
	return decision
}
