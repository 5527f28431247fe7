package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"go/format"
	"os"
	"path/filepath"
	"regexp"

	"github.com/atombender/go-jsonschema/pkg/generator"
	"github.com/atombender/go-jsonschema/pkg/schemas"
)

// documents are the schemas that a sidecar reads and writes.
var documents = []string{"decision-request.json", "decision.json", "policy-document.json"}

// capitalizations are the names that Go spells in capitals.
var capitalizations = []string{
	"ACR", "AMR", "API", "CIBA", "DPoP", "ID", "IP", "JKT", "JWKS", "JWT", "MTLS", "OTP", "PKCE", "SAML", "UI", "UIs",
	"URI", "URL",
}

// Source is the Go source of the types in the schemas of a folder.
func Source(folder string) ([]byte, error) {
	bundle := bundle{}
	sum := sha256.New()
	for _, name := range documents {
		text, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			return nil, err
		}
		sum.Write(text)
		var document map[string]any
		if err := json.Unmarshal(text, &document); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if err := bundle.collect(document); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	types, err := generate(bundle.simplified())
	if err != nil {
		return nil, err
	}
	return dress(types, bundle.words(), fmt.Sprintf("%x", sum.Sum(nil)))
}

func generate(definitions map[string]any) ([]byte, error) {
	text, err := json.Marshal(map[string]any{"title": "The decision API", "$defs": definitions})
	if err != nil {
		return nil, err
	}
	schema, err := schemas.FromJSONReader(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	var warnings []string
	generator, err := generator.New(generator.Config{
		Capitalizations:           capitalizations,
		DefaultPackageName:        "placet",
		DefaultOutputName:         "types.go",
		Tags:                      []string{"json"},
		OnlyModels:                true, // a server may leave out what a sidecar does not need: nothing is demanded here
		DisableOmitZero:           true,
		DisableCustomTypesForMaps: true,
		Warner:                    func(warning string) { warnings = append(warnings, warning) },
	})
	if err != nil {
		return nil, err
	}
	if err := generator.AddFile("types.json", schema); err != nil {
		return nil, err
	}
	sources, err := generator.Sources()
	if err != nil {
		return nil, err
	}
	if len(warnings) > 0 {
		return nil, fmt.Errorf("the generator warns: %q", warnings)
	}
	return sources["types.go"], nil
}

var (
	head     = regexp.MustCompile(`^// Code generated .*\n`)
	enumType = regexp.MustCompile(`(?m)^type (\w+) string$`)
	enumWord = regexp.MustCompile(`(?m)^const \w+ (\w+) = "([^"]+)"$`)
)

// dress adds what the generator leaves out: the descriptions of enumerations, and in the head the digest of the
// schemas, so that a test can tell without a generator whether the types are theirs. The empty interface is spelled as
// Go does since 1.18.
func dress(source []byte, words map[string]map[string]string, digest string) ([]byte, error) {
	if !head.Match(source) {
		return nil, fmt.Errorf("the generator wrote no head")
	}
	source = head.ReplaceAll(source, []byte("${0}// Schemas: sha256 "+digest+"\n"))
	source = enumType.ReplaceAllFunc(source, func(line []byte) []byte {
		name := string(enumType.FindSubmatch(line)[1])
		return append([]byte("// "+words[name][""]+"\n"), line...)
	})
	source = enumWord.ReplaceAllFunc(source, func(line []byte) []byte {
		found := enumWord.FindSubmatch(line)
		return append([]byte("// "+words[string(found[1])][string(found[2])]+"\n"), line...)
	})
	return format.Source(bytes.ReplaceAll(source, []byte("interface{}"), []byte("any")))
}
