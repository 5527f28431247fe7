package placettest

import (
	"crypto/rand"
	_ "embed" // for the envelopes
	"encoding/hex"
	"encoding/json"
	"strings"

	"placet.example/placet"
)

//go:embed envelopes.json
var envelopes []byte

// Types are all types of decisions, by name.
func Types() []placet.HookType {
	types := make([]placet.HookType, 0, len(rules))
	for _, rule := range rules {
		types = append(types, rule.hook)
	}
	return types
}

// Envelope is a decision request of a type, as a server could send it, with an id of its own. Each call gives another
// one, to change as a test likes. An unknown type gets what every request has.
func Envelope(hook placet.HookType) map[string]any {
	var parts map[string]any
	if err := json.Unmarshal(envelopes, &parts); err != nil {
		panic("placettest: envelopes.json: " + err.Error())
	}
	envelope := parts["every type"]
	if strings.HasPrefix(string(hook), "grant.") || withGrant[hook] {
		envelope = Merge(envelope, parts["grants"])
	}
	if withPeople[hook] {
		envelope = Merge(envelope, parts["people"])
	}
	if own, ok := parts[string(hook)]; ok {
		envelope = Merge(envelope, own)
	}
	return Merge(envelope, map[string]any{"id": newID(), "type": string(hook)}).(map[string]any)
}

var withGrant = map[placet.HookType]bool{
	placet.HookTypeAuthorizationRequest: true,
	placet.HookTypeInteractionEvaluate:  true,
	placet.HookTypeInteractionApprove:   true,
	placet.HookTypeDeviceRequest:        true,
	placet.HookTypeCIBARequest:          true,
	placet.HookTypeAssertionSAML2:       true,
}

var withPeople = map[placet.HookType]bool{
	placet.HookTypeInteractionEvaluate: true,
	placet.HookTypeInteractionApprove:  true,
	placet.HookTypeLogoutEvaluate:      true,
}

// Merge is a value after a JSON Merge Patch (RFC 7396). Neither is changed.
func Merge(target, patch any) any {
	changes, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	merged := map[string]any{}
	if object, ok := target.(map[string]any); ok {
		for name, value := range object {
			merged[name] = value
		}
	}
	for name, value := range changes {
		if value == nil {
			delete(merged, name)
		} else {
			merged[name] = Merge(merged[name], value)
		}
	}
	return merged
}

func newID() string {
	random := make([]byte, 16)
	if _, err := rand.Read(random); err != nil {
		panic(err)
	}
	return "dec_" + hex.EncodeToString(random)
}
