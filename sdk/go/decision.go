package placet

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

const (
	maxTags   = 16
	maxAnswer = 64 << 10 // bytes
)

// A Decision is what a handler answers. It is made by Allow of the request, by Deny, or by a demand: StepUp,
// AskConsent, SelectAccount, ShowPage. Its methods return a changed copy.
//
// The zero Decision decides nothing, and ends in a failure. A policy that cannot decide says Unavailable.
type Decision struct {
	answer Answer
	err    error
}

// Allow is the proposal of the server as it is; the methods of the decision change it.
func (r *DecisionRequest) Allow() Decision {
	return Decision{answer: Answer{Decision: VerdictAllow}}
}

// DryRun tells whether the answer does not count, so that there must be no side effects.
func (r *DecisionRequest) DryRun() bool { return r.Mode != ModeEnforce }

// Deny refuses. The code has to be one that the type allows; the description is for the developer of the client, may
// be empty, and is printable ASCII without `"` and `\` (RFC 6749 section 5.2).
func Deny(code, description string) Decision {
	return Decision{answer: Answer{Decision: VerdictDeny, Error: &PolicyError{Code: code, Description: description}}}
}

// StepUp demands a stronger or fresher authentication: one of the context classes, best first.
func StepUp(acr ...string) Decision {
	return demand(Challenge{Kind: "step_up", ACRValues: acr})
}

// AskConsent demands that the user consents, even to what was consented to before. No scope values means all that are
// requested.
func AskConsent(scope ...string) Decision {
	return demand(Challenge{Kind: "consent", Scope: scope})
}

// SelectAccount demands that the user chooses an account.
func SelectAccount() Decision {
	return demand(Challenge{Kind: "select_account"})
}

// ShowPage demands a page that only the login app and this policy know. Its result comes back in
// Interaction.Results, under the name of the page.
func ShowPage(name string, params map[string]any) Decision {
	return demand(Challenge{Kind: "prompt", Name: name, Params: params})
}

// Unavailable is no decision: the policy cannot decide now, because something that it needs is away. The server gets 503
// and may ask again at once; the error is only logged.
func Unavailable(cause error) Decision {
	return Decision{err: unavailable{cause}}
}

type unavailable struct{ cause error }

func (u unavailable) Error() string { return fmt.Sprintf("unavailable: %v", u.cause) }

func demand(challenge Challenge) Decision {
	return Decision{answer: Answer{Decision: VerdictChallenge, Challenge: &challenge}}
}

// Answer is the decision as it goes to the server, but for the id. It is to be read only.
func (d Decision) Answer() Answer { return d.answer }

// Reason notes a short stable word for the decision log. Clients never see it.
func (d Decision) Reason(code string) Decision {
	reason := Reason{Code: code}
	if d.answer.Reason != nil {
		reason.Detail = d.answer.Reason.Detail
	}
	d.answer.Reason = &reason
	return d
}

// Detail adds a sentence to the reason.
func (d Decision) Detail(text string) Decision {
	reason := Reason{Detail: text}
	if d.answer.Reason != nil {
		reason.Code = d.answer.Reason.Code
	}
	d.answer.Reason = &reason
	return d
}

// Tag adds a label for log and metrics; there are at most 16.
func (d Decision) Tag(name, value string) Decision {
	tags := map[string]string{name: value}
	for known, value := range d.answer.Tags {
		if known != name {
			tags[known] = value
		}
	}
	d.answer.Tags = tags
	return d
}

// Cache lets the server use the decision again for as long, in whole seconds, if its registration of this policy
// agrees. Only some types of decision can be remembered.
func (d Decision) Cache(maxAge time.Duration) Decision {
	hint := CacheHint{MaxAge: seconds(maxAge)}
	if d.answer.Cache != nil {
		hint.StaleIfError = d.answer.Cache.StaleIfError
	}
	d.answer.Cache = &hint
	return d
}

// StaleIfError lets the server use the decision for some time longer while this policy fails.
func (d Decision) StaleIfError(after time.Duration) Decision {
	hint := CacheHint{StaleIfError: seconds(after)}
	if d.answer.Cache != nil {
		hint.MaxAge = d.answer.Cache.MaxAge
	}
	d.answer.Cache = &hint
	return d
}

// DecidedBy says which policy decided; without it, it is the one of the options Name and Version. A new version makes
// the server forget the decisions of the old one.
func (d Decision) DecidedBy(name, version string) Decision {
	d.answer.Policy = &DecidedBy{Name: name, Version: version}
	return d
}

// URI names a page about the error, in a denial.
func (d Decision) URI(uri string) Decision {
	if d.answer.Error == nil {
		return d.broken("only a denial has the URI of an error")
	}
	told := *d.answer.Error
	told.URI = uri
	d.answer.Error = &told
	return d
}

// Message is text for the page, in a demand.
func (d Decision) Message(text string) Decision {
	return d.challenge("", func(challenge *Challenge) { challenge.Message = text })
}

// MaxAge demands an authentication that is no older, in StepUp.
func (d Decision) MaxAge(age time.Duration) Decision {
	return d.challenge("step_up", func(challenge *Challenge) { challenge.MaxAge = seconds(age) })
}

// AMR demands that these authentication methods (RFC 8176) are among those used, in StepUp.
func (d Decision) AMR(methods ...string) Decision {
	return d.challenge("step_up", func(challenge *Challenge) { challenge.AMRValues = methods })
}

func (d Decision) challenge(kind string, change func(*Challenge)) Decision {
	if d.answer.Challenge == nil || kind != "" && kind != d.answer.Challenge.Kind {
		return d.broken("this decision makes no such demand")
	}
	changed := *d.answer.Challenge
	change(&changed)
	d.answer.Challenge = &changed
	return d
}

func (d Decision) broken(format string, args ...any) Decision {
	if d.err == nil {
		d.err = fmt.Errorf(format, args...)
	}
	return d
}

func seconds(duration time.Duration) *int {
	whole := int(duration / time.Second)
	return &whole
}

// encode is the body of the answer to a request, or what is wrong with the decision.
func (d Decision) encode(id string, by *DecidedBy) ([]byte, error) {
	if d.err != nil {
		return nil, d.err
	}
	answer := d.answer
	answer.ID = id
	if answer.Policy == nil {
		answer.Policy = by
	}
	if err := answer.check(); err != nil {
		return nil, err
	}
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(answer); err != nil {
		return nil, err
	}
	if body.Len() > maxAnswer {
		return nil, fmt.Errorf("the answer has %d bytes, %d are allowed", body.Len(), maxAnswer)
	}
	return body.Bytes(), nil
}

func (a Answer) check() error {
	switch {
	case a.Decision == VerdictAllow && a.Error == nil && a.Challenge == nil:
	case a.Decision == VerdictDeny && a.Error != nil && a.Error.Code != "" && a.Challenge == nil && a.Set == nil:
		if strings.IndexFunc(a.Error.Description, notOfDescription) >= 0 {
			return errors.New("an error description is printable ASCII without `\"` and `\\`")
		}
	case a.Decision == VerdictChallenge && a.Error == nil && a.Set == nil:
	case a.Decision == "":
		return errors.New("the handler decided nothing")
	case a.Set != nil:
		return errors.New("only an allow sets something")
	default:
		return errors.New("a denial needs an error code")
	}
	if len(a.Tags) > maxTags {
		return fmt.Errorf("there are %d tags, %d are allowed", len(a.Tags), maxTags)
	}
	if a.Reason != nil && a.Reason.Code == "" {
		return errors.New("a detail needs a reason")
	}
	for _, duration := range a.durations() {
		if duration != nil && *duration < 0 {
			return errors.New("a duration is not negative")
		}
	}
	return nil
}

func (a Answer) durations() []*int {
	var durations []*int
	if a.Cache != nil {
		durations = append(durations, a.Cache.MaxAge, a.Cache.StaleIfError)
	}
	if a.Challenge != nil {
		durations = append(durations, a.Challenge.MaxAge)
	}
	return durations
}

// RFC 6749 section 5.2: %x20-21 / %x23-5B / %x5D-7E.
func notOfDescription(r rune) bool { return r < 0x20 || r > 0x7e || r == '"' || r == '\\' }
