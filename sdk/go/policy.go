package placet

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// maxInFlight bounds the handlers that run at once; the server has at most 256 calls to a sidecar under way.
const maxInFlight = 512

// A Policy is a set of handlers, and an http.Handler that answers the server with them. Handlers are set before it
// serves. A type without a handler is answered with 501, which the server treats as a failure.
//
// It serves the decision endpoint at `/` and `/decide`, the health check at `/healthz` and the discovery document at
// `/.well-known/placet-policy`; and each of them also under the path of its ID, if that has one.
type Policy struct {
	secrets  []secret // of requests: the current one, and the previous one
	response *secret
	info     SidecarInfo
	by       *DecidedBy
	docs     string
	log      *log.Logger
	now      func() time.Time
	err      error

	mu      sync.RWMutex
	hooks   map[HookType]hook
	answers *answers
	slots   chan struct{}
}

var _ http.Handler = (*Policy)(nil)

type hook struct {
	decide    func(context.Context, *DecisionRequest) Decision
	supported SupportedType
}

// An Option configures a Policy.
type Option func(*Policy)

// New makes a policy without handlers. What is wrong with the options is told by Err, and by ListenAndServe; a policy
// with such an error, or without a secret, never decides anything.
func New(options ...Option) *Policy {
	p := &Policy{
		info:    SidecarInfo{Name: filepath.Base(os.Args[0]), Version: "0"},
		log:     log.New(os.Stderr, "placet: ", log.LstdFlags|log.LUTC),
		now:     time.Now,
		hooks:   map[HookType]hook{},
		answers: newAnswers(),
		slots:   make(chan struct{}, maxInFlight),
	}
	for _, option := range options {
		option(p)
	}
	return p
}

// Secret sets the secrets with which the server signs requests, as `whsec_…`: usually one, two while it is changed.
func Secret(secrets ...string) Option {
	return func(p *Policy) {
		for _, text := range secrets {
			p.addSecret("a secret", text)
		}
	}
}

// ResponseSecret sets the secret with which answers are signed, as `whsec_…`. It has to differ from those of requests.
func ResponseSecret(text string) Option {
	return func(p *Policy) { p.setResponse("the response secret", text) }
}

// SecretFromEnv takes the secrets from the environment: PLACET_SECRET, and if they are set PLACET_PREVIOUS_SECRET
// and PLACET_RESPONSE_SECRET.
func SecretFromEnv() Option {
	return func(p *Policy) {
		p.addSecret("PLACET_SECRET", os.Getenv("PLACET_SECRET"))
		if text := os.Getenv("PLACET_PREVIOUS_SECRET"); text != "" {
			p.addSecret("PLACET_PREVIOUS_SECRET", text)
		}
		if text := os.Getenv("PLACET_RESPONSE_SECRET"); text != "" {
			p.setResponse("PLACET_RESPONSE_SECRET", text)
		}
	}
}

func (p *Policy) addSecret(name, text string) {
	secret, err := parseSecret(text)
	if err != nil {
		p.fail(fmt.Errorf("%s: %w", name, err))
		return
	}
	p.secrets = append(p.secrets, secret)
}

func (p *Policy) setResponse(name, text string) {
	secret, err := parseSecret(text)
	if err != nil {
		p.fail(fmt.Errorf("%s: %w", name, err))
		return
	}
	p.response = &secret
}

// ID sets the URL of this sidecar, exactly as the operator of the server registers it. ListenAndServe takes it from
// PLACET_SIDECAR_ID. Without an ID there is no discovery document.
func ID(id string) Option { return func(p *Policy) { p.setID("the id", id) } }

func (p *Policy) setID(name, id string) {
	parsed, err := url.Parse(id)
	if err != nil || parsed.Scheme != "https" && parsed.Scheme != "http" || parsed.Host == "" || parsed.User != nil ||
		parsed.RawQuery != "" || parsed.Fragment != "" {
		p.fail(fmt.Errorf("%s: `%s` is no URL of a sidecar", name, id))
		return
	}
	p.info.ID = id
}

// Version sets the name and the version of the policy. They are in the discovery document and in each decision; a new
// version makes the server forget the decisions of the old one.
func Version(name, version string) Option {
	return func(p *Policy) {
		p.info.Name, p.info.Version = name, version
		p.by = &DecidedBy{Name: name, Version: version}
	}
}

// Docs sets the URL of the policy's documentation, for the discovery document.
func Docs(uri string) Option { return func(p *Policy) { p.docs = uri } }

// Logger sets where failures are logged; without it, standard error. No log has secrets or the content of requests.
func Logger(logger *log.Logger) Option { return func(p *Policy) { p.log = logger } }

func (p *Policy) fail(err error) {
	if p.err == nil {
		p.err = err
	}
}

// Err is what keeps the policy from deciding: a bad option, or a missing secret.
func (p *Policy) Err() error {
	if p.err != nil {
		return p.err
	}
	if len(p.secrets) == 0 {
		return errors.New("there is no secret")
	}
	if p.response != nil {
		for _, secret := range p.secrets {
			if secret.equal(*p.response) {
				return errors.New("the response secret is that of requests: answers could be sent back as requests")
			}
		}
	}
	return nil
}

// A HookOption says more of a handler, for the discovery document.
type HookOption func(*SupportedType)

// Needs names by JSON Pointers what the handler looks at, besides the mandatory members of a request. The server then
// sends no more than that. Without it, it sends everything.
func Needs(pointers ...string) HookOption {
	return func(t *SupportedType) { t.Needs = pointers }
}

// Returns names by JSON Pointers what the handler may set, without `/set`, as in `/grant/scope`.
func Returns(pointers ...string) HookOption {
	return func(t *SupportedType) { t.Returns = pointers }
}

// Cacheable says that decisions of the handler may be remembered, as Decision.Cache says for each.
func Cacheable() HookOption {
	yes := true
	return func(t *SupportedType) { t.Cacheable = &yes }
}

// handle panics if the type has a handler already, as net/http does for a pattern.
func (p *Policy) handle(t HookType, options []HookOption, decide func(context.Context, *DecisionRequest) Decision) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.hooks[t]; ok {
		panic("placet: `" + string(t) + "` has two handlers")
	}
	supported := SupportedType{Type: string(t)}
	for _, option := range options {
		option(&supported)
	}
	p.hooks[t] = hook{decide, supported}
}

func (p *Policy) hook(t HookType) (hook, bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	found, ok := p.hooks[t]
	return found, ok
}

// path is the path of the ID, without a slash at its end.
func (p *Policy) path() string {
	parsed, err := url.Parse(p.info.ID)
	if err != nil {
		return ""
	}
	return strings.TrimRight(parsed.Path, "/")
}
