package placet

import (
	"encoding/json"
	"net/http"
	"sort"
	"strings"
)

const (
	wellKnown  = "/.well-known/placet-policy"
	decidePath = "/decide"
	healthPath = "/healthz"
)

// Document is the discovery document.
func (p *Policy) Document() PolicyDocument {
	base := strings.TrimRight(p.info.ID, "/")
	signed := p.response != nil
	document := PolicyDocument{
		Sidecar:          p.info,
		Protocols:        []string{"1.0"},
		DecisionEndpoint: base + decidePath,
		HealthEndpoint:   base + healthPath,
		Types:            []SupportedType{},
		Auth:             &PolicyAuth{Request: []string{"signature"}, SignedResponse: &signed},
		Modes:            []Mode{ModeEnforce, ModeShadow, ModeTest},
		Docs:             p.docs,
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	for _, hook := range p.hooks {
		document.Types = append(document.Types, hook.supported)
	}
	sort.Slice(document.Types, func(i, j int) bool { return document.Types[i].Type < document.Types[j].Type })
	return document
}

func (p *Policy) serveDocument(w http.ResponseWriter, r *http.Request) {
	if !reads(w, r) {
		return
	}
	if p.info.ID == "" {
		problemPath.write(w)
		return
	}
	body, err := json.Marshal(p.Document())
	if err != nil {
		problemInternal.write(w)
		return
	}
	write(w, http.StatusOK, "application/json", body)
}

func (p *Policy) serveHealth(w http.ResponseWriter, r *http.Request) {
	if !reads(w, r) {
		return
	}
	if p.Err() != nil {
		problemInternal.write(w)
		return
	}
	write(w, http.StatusOK, "application/json", []byte(`{"status":"ok"}`))
}

func reads(w http.ResponseWriter, r *http.Request) bool {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return true
	}
	w.Header().Set("Allow", "GET, HEAD")
	problemMethod.write(w)
	return false
}
