package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"placet.example/placet"
)

// Longer subjects are refused by the server.
const maxSubject = 255

// A config says which issuers are mapped. All others are refused.
type config struct {
	// SelfIssued lets clients speak for themselves, as the server proposes.
	SelfIssued bool `json:"self_issued"`
	// Issuers are the mapped issuers, by `iss`.
	Issuers map[string]issuer `json:"issuers"`
}

// An issuer is whom another issuer can speak for, and for what.
type issuer struct {
	// Subjects are the local subjects, by the issuer's `sub`.
	Subjects map[string]string `json:"subjects"`
	// Prefix, if there is one, makes local subjects of all the issuer's other subjects. It ends in a colon, and no other
	// local subject may begin with it.
	Prefix string `json:"prefix"`
	// Scope is what its assertions can give at most.
	Scope []string `json:"scope"`
	// Lifetime is the longest life of an access token in seconds; 0 leaves it to the server.
	Lifetime int `json:"lifetime"`
}

func parse(text []byte) (config, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	var c config
	if err := decoder.Decode(&c); err != nil {
		return config{}, err
	}
	return c, c.check()
}

func (c config) check() error {
	if len(c.Issuers) == 0 && !c.SelfIssued {
		return errors.New("there are no issuers")
	}
	for id, issuer := range c.Issuers {
		if err := issuer.check(); err != nil {
			return fmt.Errorf("`%s`: %w", id, err)
		}
		for other := range c.Issuers {
			prefix := c.Issuers[other].Prefix
			if other != id && prefix != "" && strings.HasPrefix(issuer.Prefix, prefix) {
				return fmt.Errorf("`%s`: its prefix begins like that of `%s`", id, other)
			}
		}
	}
	return nil
}

func (i issuer) check() error {
	switch {
	case len(i.Subjects) == 0 && i.Prefix == "":
		return errors.New("there are neither subjects nor a prefix")
	case i.Prefix != "" && !strings.HasSuffix(i.Prefix, ":"):
		return errors.New("a prefix ends in a colon")
	case len(i.Scope) == 0:
		return errors.New("there is no scope")
	case i.Lifetime < 0:
		return errors.New("a lifetime is not negative")
	}
	for sub, local := range i.Subjects {
		if sub == "" || local == "" || len(local) > maxSubject {
			return fmt.Errorf("`%s` has no local subject", sub)
		}
	}
	return nil
}

func (c config) policy(options ...placet.Option) *placet.Policy {
	p := placet.New(append([]placet.Option{placet.Version("jwt-issuer-mapping", "1")}, options...)...)
	p.JWTBearer(c.decide,
		placet.Needs("/jwt_bearer"),
		placet.Returns("/grant/sub", "/grant/scope", "/grant/access_token/lifetime", "/grant/refresh_token/issue"))
	return p
}

func (c config) decide(_ context.Context, x *placet.JWTBearer) placet.Decision {
	// A client that speaks for itself is proposed as the subject; for whoever else it speaks, nobody is.
	if x.JWTBearer.Trust == placet.TrustSelf && c.SelfIssued && x.Proposal.Grant != nil && x.Proposal.Grant.Sub != "" {
		return x.Allow().Reason("self_issued")
	}
	assertion, verified := x.JWTBearer.Assertion, x.JWTBearer.Verified
	id := x.JWTBearer.Issuer.ID
	issuer, known := c.Issuers[id]
	if x.JWTBearer.Trust != placet.TrustThirdParty || !known || assertion.Claims["iss"] != id {
		return refuse("unknown_issuer")
	}
	if !verified.Signature || !verified.Audience {
		return refuse("not_verified")
	}
	subject, known := issuer.local(assertion.Claims["sub"])
	if !known {
		return refuse("unknown_subject").Tag("issuer", id)
	}
	if !x.Limits.MaySetSubject() {
		return refuse("subject_is_fixed").Tag("issuer", id)
	}
	scope := x.Limits.ScopeIn(common(proposed(x), issuer.Scope)...)
	if len(scope) == 0 {
		return placet.Deny("invalid_scope", "nothing that this issuer can give was asked for").
			Reason("no_scope").Tag("issuer", id)
	}
	// The client can come again with a new assertion, so that the other issuer stays in charge: no refresh token.
	decision := x.Allow().Subject(subject).Scope(scope...).RefreshToken(false).Reason("mapped").Tag("issuer", id)
	lifetime := x.Limits.AccessTokenLifetime(time.Duration(issuer.Lifetime) * time.Second)
	if lifetime > 0 {
		decision = decision.Lifetime(lifetime)
	}
	return decision
}

// refuse says no more to the client than that the assertion does not do; the reason is for the decision log.
func refuse(reason string) placet.Decision {
	return placet.Deny("invalid_grant", "the assertion is not accepted").Reason(reason)
}

// local is the local subject of a `sub` of the issuer.
func (i issuer) local(sub any) (string, bool) {
	text, ok := sub.(string)
	if !ok || text == "" {
		return "", false
	}
	if subject, ok := i.Subjects[text]; ok {
		return subject, true
	}
	if i.Prefix == "" || len(i.Prefix)+len(text) > maxSubject {
		return "", false
	}
	return i.Prefix + text, true
}

// proposed is the scope that the server would grant.
func proposed(x *placet.JWTBearer) []string {
	if x.Proposal.Grant == nil {
		return nil
	}
	return x.Proposal.Grant.Scope
}

func common(values, others []string) []string {
	var both []string
	for _, value := range values {
		for _, other := range others {
			if value == other {
				both = append(both, value)
			}
		}
	}
	return both
}
