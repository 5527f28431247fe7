package placet

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// A problem is an answer that is no decision (RFC 9457). It says no more than its code.
type problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Code   string `json:"code"`
}

var (
	problemSignature      = refusal(http.StatusUnauthorized, "signature")
	problemPath           = refusal(http.StatusNotFound, "not_found")
	problemMethod         = refusal(http.StatusMethodNotAllowed, "method")
	problemContentType    = refusal(http.StatusUnsupportedMediaType, "content_type")
	problemTooLarge       = refusal(http.StatusRequestEntityTooLarge, "too_large")
	problemMalformed      = refusal(http.StatusBadRequest, "malformed")
	problemMismatch       = refusal(http.StatusBadRequest, "header_mismatch")
	problemNotImplemented = refusal(http.StatusNotImplemented, "not_implemented")
	problemInternal       = refusal(http.StatusInternalServerError, "internal")
	problemBusy           = refusal(http.StatusServiceUnavailable, "busy")
	problemUnavailable    = refusal(http.StatusServiceUnavailable, "unavailable")
	problemTimeout        = refusal(http.StatusGatewayTimeout, "timeout")
)

func refusal(status int, code string) *problem {
	return &problem{Title: http.StatusText(status), Status: status, Code: code}
}

func (p *problem) write(w http.ResponseWriter) {
	body, err := json.Marshal(p)
	if err != nil {
		panic(err) // two strings and a number
	}
	if p.Status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	write(w, p.Status, "application/problem+json", body)
}

func write(w http.ResponseWriter, status int, contentType string, body []byte) {
	header := w.Header()
	header.Set("Content-Type", contentType)
	header.Set("Content-Length", strconv.Itoa(len(body)))
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	// A client that has gone needs no answer.
	_, _ = w.Write(body)
}
