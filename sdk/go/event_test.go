package placet

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

const eventSecret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

func TestAnEventIsReadWhenItIsSigned(t *testing.T) {
	key, err := parseSecret(eventSecret)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1_795_428_300, 0)
	posted := func(body string) *http.Request {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		key.sign(r.Header, "evt_1", now, []byte(body))
		return r
	}
	body := `{"id":"evt_1","type":"placet.session.ended.v1","time":"2026-11-23T12:00:00Z","data":{"sequence":1}}`
	event, err := readEvent(posted(body), now, []string{eventSecret})
	if err != nil || event.Type != "placet.session.ended.v1" {
		t.Fatalf("%v, %v", event, err)
	}
	if _, err := readEvent(posted(body), now.Add(301*time.Second), []string{eventSecret}); !errors.Is(err, ErrNotSigned) {
		t.Errorf("an old one: %v", err)
	}
	if _, err := readEvent(posted(body), now, nil); !errors.Is(err, ErrNotSigned) {
		t.Errorf("without a secret: %v", err)
	}
	for _, body := range []string{
		"{", "[]", `{"id":"evt_2"}`,
		`{"id":"evt_2","id":"evt_1"}`,
		`{"id":"evt_1","data":{"sub":"alice","s\u0075b":"bob"}}`,
		`{"id":"evt_1","data":` + strings.Repeat("[", 32) + strings.Repeat("]", 32) + `}`,
		"{\"id\":\"evt_1\",\"subject\":\"\xff\"}",
	} {
		if _, err := readEvent(posted(body), now, []string{eventSecret}); !errors.Is(err, ErrNoEvent) {
			t.Errorf("%s: %v", body, err)
		}
	}
}
