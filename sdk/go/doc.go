// Package placet is for writing policy sidecars of Placet, an OAuth 2.0 and OpenID Connect server: web services that
// the server asks at its decision points.
//
//	func main() {
//		p := placet.New(placet.SecretFromEnv())
//		p.TokenExchange(func(ctx context.Context, x *placet.TokenExchange) placet.Decision {
//			if x.Actor == nil {
//				return placet.Deny("invalid_request", "actor_token required")
//			}
//			scope := x.Limits.ScopeWithPrefix("shipping.")
//			if len(scope) == 0 {
//				return placet.Deny("invalid_scope", "nothing to delegate")
//			}
//			return x.Allow().Scope(scope...).Lifetime(2 * time.Minute).Reason("delegation_ok")
//		})
//		if err := placet.ListenAndServe(p); err != nil {
//			log.Fatal(err)
//		}
//	}
//
// A Policy has one method for each type of decision. Its handlers get the facts, the proposal of the server and the
// limits within which they may change it; they answer with Allow of the request, Deny, or a demand like StepUp. What a
// handler sets beyond the limits is a failure at the server, never silently cut: the methods of Limits help to stay
// within.
//
// The package does the rest of protocol version 1: it verifies the signature of each request, repeats the answer when a
// request is repeated, answers 501 for types without a handler and 504 when a handler is late, turns panics into
// failures, signs answers if there is a secret for it, and serves the discovery document and a health check. It needs
// nothing but the standard library. Package placettest is for the tests of a policy.
package placet

//go:generate go run -C internal/generate .
