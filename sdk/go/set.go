package placet

import (
	"strings"
	"time"
)

// Set sets a member of the proposal, which a JSON Pointer (RFC 6901) names by section and path, as in
// `/consent/ask`. A nil value removes the member. Values are JSON: instants are RFC 3339 in UTC, durations whole
// seconds.
//
// What may be set depends on the type of the decision and on Limits.
func (d Decision) Set(pointer string, value any) Decision {
	if !strings.HasPrefix(pointer, "/") {
		return d.broken("`%s` is no pointer to a member", pointer)
	}
	path := strings.Split(pointer[1:], "/")
	for i, name := range path {
		path[i] = strings.ReplaceAll(strings.ReplaceAll(name, "~1", "/"), "~0", "~")
	}
	return d.put(value, path...)
}

// Subject sets the local subject of the tokens, where the policy is the one to establish it.
func (d Decision) Subject(sub string) Decision { return d.put(sub, "grant", "sub") }

// Actor sets who acts for the subject (RFC 8693 section 4.1): this chain, and nothing of the proposed one.
func (d Decision) Actor(actor Actor) Decision { return d.put(whole(&actor), "grant", "act") }

// whole is a chain of actors as a patch that leaves nothing of what was there.
func whole(actor *Actor) any {
	if actor == nil {
		return nil
	}
	return map[string]any{
		"sub": actor.Sub, "iss": orNull(actor.Iss), "client_id": orNull(actor.ClientID), "act": whole(actor.Act),
	}
}

func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// Authentication sets the facts of an authentication that the server did not see itself: when it was, its context
// class (may be empty) and its methods.
func (d Decision) Authentication(at time.Time, acr string, amr ...string) Decision {
	facts := map[string]any{
		"authenticated_at": at.UTC().Format(time.RFC3339), "acr": orNull(acr), "amr": array(amr),
	}
	return d.put(facts, "grant", "authentication")
}

// Scope grants these scope values; none means none at all.
func (d Decision) Scope(values ...string) Decision { return d.put(array(values), "grant", "scope") }

// Resources grants these resources (RFC 8707); none means none at all.
func (d Decision) Resources(uris ...string) Decision { return d.put(array(uris), "grant", "resources") }

// Lifetime sets how long the access token lives, in whole seconds.
func (d Decision) Lifetime(lifetime time.Duration) Decision {
	if lifetime < time.Second {
		return d.broken("a lifetime has at least one second")
	}
	return d.put(int(lifetime/time.Second), "grant", "access_token", "lifetime")
}

// Audience sets the audience of the access token.
func (d Decision) Audience(values ...string) Decision {
	return d.put(array(values), "grant", "access_token", "audience")
}

// SenderConstraint sets whether the access token is bound to a key of its holder.
func (d Decision) SenderConstraint(constraint SenderConstraint) Decision {
	return d.put(constraint, "grant", "access_token", "sender_constraint")
}

// AccessTokenClaim adds a claim to the access token. Every reader of the token sees it.
func (d Decision) AccessTokenClaim(name string, value any) Decision {
	return d.put(value, "grant", "access_token", "claims", name)
}

// IDTokenClaim adds a claim to the ID token.
func (d Decision) IDTokenClaim(name string, value any) Decision {
	return d.put(value, "grant", "id_token", "claims", name)
}

// UserinfoClaim adds a claim to what UserInfo answers.
func (d Decision) UserinfoClaim(name string, value any) Decision {
	return d.put(value, "grant", "userinfo", "claims", name)
}

// RefreshToken sets whether a refresh token is issued.
func (d Decision) RefreshToken(issue bool) Decision {
	return d.put(issue, "grant", "refresh_token", "issue")
}

// Data adds data that the server keeps with the authorization and shows to later decisions; it is never in a token.
func (d Decision) Data(name string, value any) Decision { return d.put(value, "grant", "data", name) }

// Claim supplies a claim, in the answer to `claims.source`.
func (d Decision) Claim(name string, value any) Decision { return d.put(value, "claims", name) }

// Member sets a member of the introspection response, in the answer to `token.introspect`.
func (d Decision) Member(name string, value any) Decision { return d.put(value, "introspection", name) }

// WithoutMember removes a member of the introspection response, in the answer to `token.introspect`.
func (d Decision) WithoutMember(name string) Decision { return d.put(nil, "introspection", name) }

// put sets a value in a copy of the patch: decisions that share a beginning share nothing else.
func (d Decision) put(value any, path ...string) Decision {
	set, ok := with(d.answer.Set, value, path)
	if !ok {
		return d.broken("`%s` is within something that was set as a whole", strings.Join(path, "/"))
	}
	d.answer.Set = set
	return d
}

func with(object map[string]any, value any, path []string) (map[string]any, bool) {
	copied := make(map[string]any, len(object)+1)
	for name, member := range object {
		copied[name] = member
	}
	if len(path) > 1 {
		member, present := copied[path[0]]
		inner, ok := member.(map[string]any)
		if present && !ok {
			return nil, false
		}
		changed, ok := with(inner, value, path[1:])
		if !ok {
			return nil, false
		}
		value = changed
	}
	copied[path[0]] = value
	return copied, true
}

// array is never nil: null would remove the member, an empty list says that there is nothing.
func array(values []string) []string {
	return append([]string{}, values...)
}
