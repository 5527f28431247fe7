package placet

import (
	"strings"
	"time"
)

// ScopeWhere is the scope values that may be granted and pass a test.
func (l Limits) ScopeWhere(test func(value string) bool) []string {
	values := []string{}
	if l.Grant == nil {
		return values
	}
	for _, value := range l.Grant.Scope {
		if test(value) {
			values = append(values, value)
		}
	}
	return values
}

// ScopeWithPrefix is the scope values that may be granted and begin with one of the prefixes.
func (l Limits) ScopeWithPrefix(prefixes ...string) []string {
	return l.ScopeWhere(func(value string) bool {
		for _, prefix := range prefixes {
			if strings.HasPrefix(value, prefix) {
				return true
			}
		}
		return false
	})
}

// ScopeIn is the scope values that may be granted and are among the given ones.
func (l Limits) ScopeIn(values ...string) []string {
	return l.ScopeWhere(func(value string) bool { return contains(values, value) })
}

// AccessTokenLifetime is the wanted lifetime, or the longest there may be if that is shorter.
func (l Limits) AccessTokenLifetime(wanted time.Duration) time.Duration {
	longest := time.Duration(0)
	if l.Grant != nil {
		longest = time.Duration(l.Grant.AccessToken.MaxLifetime) * time.Second
	}
	if wanted < longest {
		return wanted
	}
	return longest
}

// MaySetSubject tells whether the subject of the grant may be set.
func (l Limits) MaySetSubject() bool {
	return l.Grant != nil && l.Grant.Sub == FreedomSettable
}

// MaySetAuthentication tells whether the facts of an authentication may be set.
func (l Limits) MaySetAuthentication() bool {
	return l.Grant != nil && l.Grant.Authentication == FreedomSettable
}

// MayClaim tells whether `claims.source` may set a claim.
func (l Limits) MayClaim(name string) bool {
	return l.Claims != nil && contains(l.Claims.Names, name)
}

// MaySetMember tells whether `token.introspect` may set or remove a member of the introspection response.
func (l Limits) MaySetMember(name string) bool {
	return l.Introspection != nil && !contains(l.Introspection.Reserved, name)
}

func contains(values []string, wanted string) bool {
	for _, value := range values {
		if value == wanted {
			return true
		}
	}
	return false
}
