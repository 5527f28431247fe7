package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"

	"placet.example/placet"
)

// A config says what each caller sees.
type config struct {
	// Callers are the rules of resource servers, by client id.
	Callers map[string]rule `json:"callers"`
	// Others is the rule of everybody else.
	Others rule `json:"others"`
	// Cache is for how many seconds the server may use a decision again.
	Cache int `json:"cache"`
}

// A rule says how the response differs from what the server proposes.
type rule struct {
	// Hide are members that the caller does not see.
	Hide []string `json:"hide"`
	// ScopePrefixes, if there are any, are how the scope values begin that concern the caller; it sees no others.
	ScopePrefixes []string `json:"scope_prefixes"`
	// Add are members with the same value for every token.
	Add map[string]any `json:"add"`
	// AddFromData are members with a value from the data of the grant: the name of the member, and the name in the data.
	AddFromData map[string]string `json:"add_from_data"`
}

func parse(text []byte) (config, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	var c config
	if err := decoder.Decode(&c); err != nil {
		return config{}, err
	}
	if c.Cache < 0 {
		return config{}, errors.New("`cache` is not negative")
	}
	for caller, rule := range c.Callers {
		if err := rule.check(); err != nil {
			return config{}, fmt.Errorf("`%s`: %w", caller, err)
		}
	}
	if err := c.Others.check(); err != nil {
		return config{}, fmt.Errorf("`others`: %w", err)
	}
	return c, nil
}

func (r rule) check() error {
	for _, name := range r.Hide {
		_, added := r.Add[name]
		_, copied := r.AddFromData[name]
		if added || copied {
			return fmt.Errorf("`%s` is hidden and added", name)
		}
		if name == "scope" {
			return errors.New("`scope` is narrowed by `scope_prefixes`, not hidden")
		}
	}
	for name, value := range r.Add {
		if value == nil {
			return fmt.Errorf("`%s` is added without a value", name)
		}
	}
	return nil
}

func (c config) policy(options ...placet.Option) *placet.Policy {
	p := placet.New(append([]placet.Option{placet.Version("introspection-shaping", "1")}, options...)...)
	p.TokenIntrospect(c.decide,
		placet.Needs("/introspection/caller/client_id", "/introspection/token/data"),
		placet.Returns("/introspection"),
		placet.Cacheable())
	return p
}

func (c config) decide(_ context.Context, x *placet.TokenIntrospect) placet.Decision {
	rule, known := c.Callers[x.Introspection.Caller.ClientID]
	if !known {
		rule = c.Others
	}
	view := view{proposed: x.Proposal.Introspection, limits: x.Limits, decision: x.Allow()}
	for _, name := range rule.Hide {
		view.hide(name)
	}
	if len(rule.ScopePrefixes) > 0 {
		view.narrowScope(rule.ScopePrefixes)
	}
	view.add(rule.additions(x.Introspection.Token.Data))
	decision := view.decision.Reason("shaped").Tag("caller_known", fmt.Sprint(known))
	if c.Cache > 0 {
		decision = decision.Cache(time.Duration(c.Cache) * time.Second)
	}
	return decision
}

// additions are the members that a rule adds, given the data of the grant.
func (r rule) additions(data map[string]any) map[string]any {
	members := map[string]any{}
	for name, value := range r.Add {
		members[name] = value
	}
	for name, source := range r.AddFromData {
		if value, ok := data[source]; ok && value != nil {
			members[name] = value
		}
	}
	return members
}

// A view is the response as it takes shape. Members that the server reserves stay as they are.
type view struct {
	proposed map[string]any
	limits   placet.Limits
	decision placet.Decision
}

func (v *view) hide(name string) {
	if _, there := v.proposed[name]; there && v.limits.MaySetMember(name) {
		v.decision = v.decision.WithoutMember(name)
	}
}

func (v *view) narrowScope(prefixes []string) {
	text, ok := v.proposed["scope"].(string)
	if !ok || !v.limits.MaySetMember("scope") {
		return
	}
	all := strings.Fields(text)
	shown := []string{}
	for _, value := range all {
		if beginsWithOneOf(value, prefixes) && contains(v.limits.Introspection.Scope, value) {
			shown = append(shown, value)
		}
	}
	// Without a scope at all, the caller could take the token for one that may do everything: it becomes empty instead.
	if len(shown) < len(all) {
		v.decision = v.decision.Member("scope", strings.Join(shown, " "))
	}
}

// add adds members that the response does not have, in the order of their names, as long as there is room for them.
func (v *view) add(members map[string]any) {
	names := make([]string, 0, len(members))
	for name := range members {
		names = append(names, name)
	}
	sort.Strings(names)
	room := v.room()
	for _, name := range names {
		if _, there := v.proposed[name]; there || !v.limits.MaySetMember(name) {
			continue
		}
		size := size(map[string]any{name: members[name]})
		if size > room {
			v.decision = v.decision.Tag("left_out", name)
			continue
		}
		room -= size
		v.decision = v.decision.Member(name, members[name])
	}
}

// room is how many bytes of JSON the proposal leaves. What was hidden is not counted: the answer is the safer for it.
func (v *view) room() int {
	if v.limits.Introspection == nil {
		return 0
	}
	return v.limits.Introspection.MaxBytes - size(v.proposed)
}

func size(value any) int {
	text, err := json.Marshal(value)
	if err != nil {
		return 1 << 30 // fits nowhere
	}
	return len(text)
}

func beginsWithOneOf(value string, prefixes []string) bool {
	for _, prefix := range prefixes {
		if strings.HasPrefix(value, prefix) {
			return true
		}
	}
	return false
}

func contains(values []string, wanted string) bool {
	for _, value := range values {
		if value == wanted {
			return true
		}
	}
	return false
}
