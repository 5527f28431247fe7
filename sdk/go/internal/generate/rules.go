package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/format"
	"os"
	"path/filepath"
	"sort"
)

// A hook is what the schema of requests says of a type of decision, besides what a request has.
type hook struct {
	Settable      []string `json:"settable"`
	ErrorCodes    []string `json:"error_codes"`
	Challengeable bool     `json:"challengeable"`
}

// Rules is the Go source of what each type of decision may be answered with, for the tests of policies.
func Rules(folder string) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(folder, documents[0]))
	if err != nil {
		return nil, err
	}
	var schema struct {
		Definitions struct {
			HookType struct {
				Types map[string]hook `json:"x-placet-types"`
			}
		} `json:"$defs"`
	}
	if err := json.Unmarshal(text, &schema); err != nil {
		return nil, err
	}
	types := schema.Definitions.HookType.Types
	if len(types) == 0 {
		return nil, fmt.Errorf("%s: there are no rules of types", documents[0])
	}
	names := make([]string, 0, len(types))
	for name := range types {
		names = append(names, name)
	}
	sort.Strings(names)
	var source bytes.Buffer
	source.WriteString("// Code generated from the JSON Schemas, DO NOT EDIT.\n\npackage placettest\n\nvar rules = []rule{\n")
	for _, name := range names {
		hook := types[name]
		fmt.Fprintf(&source, "{\nhook: %q,\nsettable: %#v,\ncodes: %#v,\nchallenge: %t,\n},\n",
			name, hook.Settable, hook.ErrorCodes, hook.Challengeable)
	}
	source.WriteString("}\n")
	return format.Source(source.Bytes())
}
