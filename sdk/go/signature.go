package placet

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	headerID        = "Webhook-Id"
	headerTimestamp = "Webhook-Timestamp"
	headerSignature = "Webhook-Signature"

	secretPrefix  = "whsec_"
	macPrefix     = "v1,"
	minSecret     = 24 // bytes, as in Standard Webhooks
	maxSecret     = 64
	maxID         = 128
	maxSignatures = 8 // of one message: more than any rotation needs
	tolerance     = 300 * time.Second
)

// A secret is a key that sidecar and server share. It has no text form, so that no log can show it.
type secret struct{ key []byte }

var (
	errSecret    = errors.New("a secret is `whsec_` and 24 to 64 bytes of base64")
	errSignature = errors.New("no signature holds")
)

func parseSecret(text string) (secret, error) {
	text = strings.TrimSpace(text)
	if !strings.HasPrefix(text, secretPrefix) {
		return secret{}, errSecret
	}
	key, err := decodeBase64(text[len(secretPrefix):])
	if err != nil || len(key) < minSecret || len(key) > maxSecret {
		return secret{}, errSecret
	}
	return secret{key}, nil
}

// Writers differ about the padding of base64; readers need not.
func decodeBase64(text string) ([]byte, error) {
	return base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
}

func (s secret) String() string   { return "secret(…)" }
func (s secret) GoString() string { return s.String() }

func (s secret) equal(other secret) bool { return hmac.Equal(s.key, other.key) }

func (s secret) mac(id, timestamp string, body []byte) []byte {
	mac := hmac.New(sha256.New, s.key)
	for _, part := range []string{id, ".", timestamp, "."} {
		mac.Write([]byte(part))
	}
	mac.Write(body)
	return mac.Sum(nil)
}

// sign sets the three headers of a signed message.
func (s secret) sign(header http.Header, id string, now time.Time, body []byte) {
	timestamp := strconv.FormatInt(now.Unix(), 10)
	header.Set(headerID, id)
	header.Set(headerTimestamp, timestamp)
	header.Set(headerSignature, macPrefix+base64.StdEncoding.EncodeToString(s.mac(id, timestamp, body)))
}

// verify checks that one of the signatures is by one of the secrets and at most five minutes off, and returns the id
// that was signed. Every signature is compared with that of every secret, in constant time.
func verify(secrets []secret, header http.Header, body []byte, now time.Time) (string, error) {
	id, timestamp := header.Get(headerID), header.Get(headerTimestamp)
	// With a dot in the id, the border between id and timestamp could be moved without changing what is signed.
	if id == "" || len(id) > maxID || strings.IndexFunc(id, notOfID) >= 0 {
		return "", errSignature
	}
	if timestamp == "" || strings.Trim(timestamp, "0123456789") != "" {
		return "", errSignature
	}
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return "", errSignature
	}
	if off := now.Unix() - seconds; off > int64(tolerance/time.Second) || -off > int64(tolerance/time.Second) {
		return "", errSignature
	}
	var given [][]byte
	for _, signature := range strings.Split(header.Get(headerSignature), " ") {
		if !strings.HasPrefix(signature, macPrefix) || len(given) == maxSignatures {
			continue
		}
		if mac, err := decodeBase64(signature[len(macPrefix):]); err == nil {
			given = append(given, mac)
		}
	}
	holds := false
	for _, secret := range secrets {
		expected := secret.mac(id, timestamp, body)
		for _, mac := range given {
			if hmac.Equal(expected, mac) {
				holds = true
			}
		}
	}
	if !holds {
		return "", errSignature
	}
	return id, nil
}

func notOfID(r rune) bool {
	letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
	return !letter && r != '_' && r != '-'
}
