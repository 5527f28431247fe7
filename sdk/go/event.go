package placet

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"
)

// MaxEvent is the longest event that is read, in bytes.
const MaxEvent = 1 << 20

// ErrNotSigned says that a message is not from who it should be: answer 401.
var ErrNotSigned = errSignature

// ErrNoEvent says that a message is no event: answer 400.
var ErrNoEvent = errors.New("this is not the event that was signed")

// An Event is what a receiver is told, a CloudEvent 1.0. Its JSON Schema is event.json; ignore types and members of Data
// that you do not know.
type Event struct {
	SpecVersion string `json:"specversion"`
	// The same at every attempt: what was seen before came again.
	ID string `json:"id"`
	// The issuer.
	Source string `json:"source"`
	// placet.session.ended.v1, …
	Type string    `json:"type"`
	Time time.Time `json:"time"`
	// What it is about.
	Subject         string `json:"subject"`
	DataContentType string `json:"datacontenttype"`
	DataSchema      string `json:"dataschema"`
	// Ids and reasons; of two events about the same subject the later one has the higher sequence.
	Data map[string]any `json:"data"`
}

// ReadEvent reads an event that was posted, once it is sure that it is signed with one of the secrets (whsec_…).
func ReadEvent(r *http.Request, secrets ...string) (*Event, error) {
	return readEvent(r, time.Now(), secrets)
}

func readEvent(r *http.Request, now time.Time, texts []string) (*Event, error) {
	var secrets []secret
	for _, text := range texts {
		parsed, err := parseSecret(text)
		if err != nil {
			return nil, err
		}
		secrets = append(secrets, parsed)
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxEvent+1))
	if err != nil {
		return nil, err
	}
	id, err := verify(secrets, r.Header, body, now)
	if err != nil {
		return nil, err
	}
	var event Event
	if len(body) > MaxEvent || checkJSON(body) != nil || json.Unmarshal(body, &event) != nil || event.ID != id {
		return nil, ErrNoEvent
	}
	return &event, nil
}
