package placet

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
)

const (
	protocolMajor = "1."
	maxRequest    = 256 << 10        // bytes; the server sends no more
	maxTimeout    = 10 * time.Second // the longest that a server can be told to wait
)

// ServeHTTP answers the server.
func (p *Policy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	base := p.path()
	switch path := r.URL.Path; {
	case path == wellKnown || path == wellKnown+base || path == base+wellKnown:
		p.serveDocument(w, r)
	case path == healthPath || path == base+healthPath:
		p.serveHealth(w, r)
	case path == "" || path == "/" || path == decidePath || path == base || path == base+"/" || path == base+decidePath:
		p.serveDecision(w, r)
	default:
		problemPath.write(w)
	}
}

func (p *Policy) serveDecision(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		problemMethod.write(w)
		return
	}
	id, body, problem := p.decide(w, r)
	if problem != nil {
		problem.write(w)
		return
	}
	if p.response != nil {
		p.response.sign(w.Header(), id, p.now(), body)
	}
	write(w, http.StatusOK, "application/json", body)
}

// decide is the id of the request and the body of the decision, or why there is none.
func (p *Policy) decide(w http.ResponseWriter, r *http.Request) (string, []byte, *problem) {
	// Before everything that costs time.
	deadline := time.Now().Add(timeout(r.Header))
	if err := p.Err(); err != nil {
		p.log.Printf("refusing all requests: %v", err)
		return "", nil, problemInternal
	}
	body, problem := read(w, r)
	if problem != nil {
		return "", nil, problem
	}
	id, err := verify(p.secrets, r.Header, body, p.now())
	if err != nil {
		return "", nil, problemSignature
	}
	request, problem := parse(r.Header, id, body)
	if problem != nil {
		return "", nil, problem
	}
	hook, ok := p.hook(request.Type)
	if !ok {
		return "", nil, problemNotImplemented
	}
	ctx, cancel := context.WithDeadline(r.Context(), deadline)
	defer cancel()
	answer, problem := p.ask(ctx, hook, request, question(body))
	return id, answer, problem
}

// ask has a request answered, once however often it comes, and waits for it until the deadline.
func (p *Policy) ask(ctx context.Context, hook hook, request *DecisionRequest, key [32]byte) ([]byte, *problem) {
	if ctx.Err() != nil {
		return nil, problemTimeout
	}
	reply, first := p.answers.take(key, p.now())
	if first {
		select {
		case p.slots <- struct{}{}:
			go p.run(ctx, hook, request, reply)
		default:
			p.answers.settle(reply, nil, problemBusy, p.now())
		}
	}
	select {
	case <-reply.ready:
	case <-ctx.Done():
	}
	// By the clock: the timers of this context and of the handler's go off one after the other.
	if deadline, _ := ctx.Deadline(); !time.Now().Before(deadline) {
		p.log.Printf("`%s` of type `%s`: not decided in time", request.ID, request.Type)
		return nil, problemTimeout
	}
	if ctx.Err() != nil {
		return nil, problemTimeout // the connection has gone
	}
	return reply.body, reply.problem
}

// run calls the handler. It is not stopped when the connection goes, since a repeated request may wait for the same
// reply; only its deadline stops it.
func (p *Policy) run(ctx context.Context, hook hook, request *DecisionRequest, reply *reply) {
	var body []byte
	problem := problemInternal
	defer func() {
		if cause := recover(); cause != nil {
			p.log.Printf("`%s` of type `%s`: panic: %v\n%s", request.ID, request.Type, cause, debug.Stack())
		}
		p.answers.settle(reply, body, problem, p.now())
		<-p.slots
	}()
	deadline, _ := ctx.Deadline()
	ctx, cancel := context.WithDeadline(detached{ctx}, deadline)
	defer cancel()
	answer, err := hook.decide(ctx, request).encode(request.ID, p.by)
	if err != nil {
		p.log.Printf("`%s` of type `%s`: %v", request.ID, request.Type, err)
		if errors.As(err, new(unavailable)) {
			problem = problemUnavailable
		}
		return
	}
	body, problem = answer, nil
}

// detached has the values of a context, and nothing that ends it.
type detached struct{ values context.Context }

func (detached) Deadline() (time.Time, bool) { return time.Time{}, false }
func (detached) Done() <-chan struct{}       { return nil }
func (detached) Err() error                  { return nil }
func (d detached) Value(key any) any         { return d.values.Value(key) }

func timeout(header http.Header) time.Duration {
	millis, err := strconv.ParseUint(header.Get("Placet-Timeout-Ms"), 10, 32)
	if err != nil || time.Duration(millis)*time.Millisecond > maxTimeout {
		return maxTimeout
	}
	return time.Duration(millis) * time.Millisecond
}

func read(w http.ResponseWriter, r *http.Request) ([]byte, *problem) {
	mediaType, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset, given := parameters["charset"]
	if err != nil || mediaType != "application/json" || given && !strings.EqualFold(charset, "utf-8") ||
		r.Header.Get("Content-Encoding") != "" {
		return nil, problemContentType
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, problemTooLarge
	}
	if err != nil {
		return nil, problemMalformed
	}
	return body, nil
}

// parse reads a body whose signature holds. The headers beside the signature are hints that nobody signed: one that
// says something else than the body is a sign of tampering.
func parse(header http.Header, id string, body []byte) (*DecisionRequest, *problem) {
	if err := checkJSON(body); err != nil {
		return nil, problemMalformed
	}
	var request DecisionRequest
	if err := json.Unmarshal(body, &request); err != nil {
		return nil, problemMalformed
	}
	if request.ID == "" || request.Type == "" || request.Issuer == "" ||
		!strings.HasPrefix(request.Protocol, protocolMajor) {
		return nil, problemMalformed
	}
	if request.ID != id {
		return nil, problemMismatch
	}
	for name, value := range map[string]string{
		"Placet-Protocol": request.Protocol,
		"Placet-Type":     string(request.Type),
		"Placet-Issuer":   request.Issuer,
		"Placet-Tenant":   request.Tenant,
	} {
		if hint := header.Get(name); hint != "" && hint != value {
			return nil, problemMismatch
		}
	}
	return &request, nil
}

// question is a digest of what is asked: of everything but what a second attempt changes. So nobody gets the answer to
// another question, even if an id comes twice.
func question(body []byte) [32]byte {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		return sha256.Sum256(body)
	}
	for _, name := range []string{"attempt", "time", "deadline"} {
		delete(members, name)
	}
	canonical, err := json.Marshal(members)
	if err != nil {
		return sha256.Sum256(body)
	}
	return sha256.Sum256(canonical)
}
