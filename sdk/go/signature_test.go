package placet

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// The example of the protocol, and a second secret.
const (
	exampleSecret    = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
	otherSecret      = "whsec_HxweHRobGBkWFxQVEhMQEQ4PDA0KCwgJBgcEBQIDAAE="
	exampleID        = "dec_01JD9YF6M1ZC8W3K4T7HQRB2XS"
	exampleTime      = 1795428300
	exampleBody      = `{"id":"dec_01JD9YF6M1ZC8W3K4T7HQRB2XS","type":"claims.source"}`
	exampleSignature = "v1,9CDPlWwW7bNn5k9BFTBXsHIKWocovQ9uz8vERvGNApg="
)

func mustSecret(t *testing.T, text string) secret {
	t.Helper()
	parsed, err := parseSecret(text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func example(signature string) http.Header {
	header := http.Header{}
	header.Set("webhook-id", exampleID)
	header.Set("webhook-timestamp", fmt.Sprint(exampleTime))
	header.Set("webhook-signature", signature)
	return header
}

func holds(t *testing.T, header http.Header, body string, now int64, secrets ...string) bool {
	t.Helper()
	var parsed []secret
	for _, text := range secrets {
		parsed = append(parsed, mustSecret(t, text))
	}
	id, err := verify(parsed, header, []byte(body), time.Unix(now, 0))
	if err == nil && id != header.Get("webhook-id") {
		t.Errorf("the id is `%s`", id)
	}
	return err == nil
}

func TestTheExampleOfTheProtocolIsReproducedAndVerifies(t *testing.T) {
	header := http.Header{}
	mustSecret(t, exampleSecret).sign(header, exampleID, time.Unix(exampleTime, 0), []byte(exampleBody))
	if got := header.Get("webhook-signature"); got != exampleSignature {
		t.Errorf("the signature is `%s`", got)
	}
	if !holds(t, header, exampleBody, exampleTime, exampleSecret) {
		t.Error("it does not verify")
	}
}

func TestAnyOfSeveralSignaturesByAnyOfSeveralSecretsIsEnough(t *testing.T) {
	two := "v1,AAAA v1a," + exampleSignature[3:] + " " + exampleSignature
	if !holds(t, example(two), exampleBody, exampleTime, exampleSecret) {
		t.Error("the second signature is not looked at")
	}
	if !holds(t, example(exampleSignature), exampleBody, exampleTime, otherSecret, exampleSecret) {
		t.Error("the second secret is not tried")
	}
	if holds(t, example(two), exampleBody, exampleTime, otherSecret) {
		t.Error("another secret verifies")
	}
	if holds(t, example(two), exampleBody, exampleTime) {
		t.Error("no secret verifies")
	}
}

func TestOnlySoManySignaturesAreLookedAt(t *testing.T) {
	last := strings.Repeat("v1,AAAA ", maxSignatures) + exampleSignature
	if holds(t, example(last), exampleBody, exampleTime, exampleSecret) {
		t.Error("the ninth signature counts")
	}
}

func TestAnAlteredBodyIDOrTimestampBreaksTheSignature(t *testing.T) {
	if holds(t, example(exampleSignature), exampleBody+" ", exampleTime, exampleSecret) {
		t.Error("another body verifies")
	}
	for name, value := range map[string]string{"webhook-id": "dec_2", "webhook-timestamp": "1795428301"} {
		header := example(exampleSignature)
		header.Set(name, value)
		if holds(t, header, exampleBody, exampleTime, exampleSecret) {
			t.Errorf("another `%s` verifies", name)
		}
	}
}

func TestASignatureHoldsForFiveMinutesInEitherDirection(t *testing.T) {
	for off, expected := range map[int64]bool{300: true, -300: true, 301: false, -301: false} {
		if holds(t, example(exampleSignature), exampleBody, exampleTime+off, exampleSecret) != expected {
			t.Errorf("%d seconds off: not %t", off, expected)
		}
	}
}

func TestMalformedSignatureHeadersAreRefused(t *testing.T) {
	malformed := map[string][]string{
		"webhook-id":        {"", "dec_1.2", "dec 1", "dec_é", strings.Repeat("x", 129)},
		"webhook-timestamp": {"", "+1795428300", "1795428300.0", "-1", "99999999999999999999", "9223372036854775807"},
		"webhook-signature": {"", "v1,", "v1", exampleSignature[3:], "v1,!!", exampleSignature[:30]},
	}
	key := mustSecret(t, exampleSecret)
	for name, values := range malformed {
		for _, value := range values {
			header := example(exampleSignature)
			header.Set(name, value)
			if name != "webhook-signature" {
				mac := key.mac(header.Get("webhook-id"), header.Get("webhook-timestamp"), []byte(exampleBody))
				header.Set("webhook-signature", fmt.Sprintf("v1,%s", encode(mac)))
			}
			if holds(t, header, exampleBody, exampleTime, exampleSecret) {
				t.Errorf("`%s: %s` verifies", name, value)
			}
		}
	}
}

func TestASecretIsReadStrictlyAndNeverPrinted(t *testing.T) {
	for _, text := range []string{"", exampleSecret[6:], "whsec_%%%", "whsec_AAECAwQFBgcICQ==", "whsec_" + encode(make([]byte, 65))} {
		_, err := parseSecret(text)
		if err == nil {
			t.Errorf("`%s` is a secret", text)
		} else if len(text) > 6 && strings.Contains(err.Error(), text[6:]) {
			t.Errorf("the error shows the secret: %v", err)
		}
	}
	parsed := mustSecret(t, exampleSecret[:len(exampleSecret)-1])
	if !parsed.equal(mustSecret(t, exampleSecret)) {
		t.Error("the padding of base64 matters")
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(format, parsed); text != "secret(…)" {
			t.Errorf("`%s` prints `%s`", format, text)
		}
	}
}

func encode(bytes []byte) string { return base64.StdEncoding.EncodeToString(bytes) }
