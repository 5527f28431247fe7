package main

import (
	"fmt"
	"reflect"
	"strings"
)

// fieldNames are the members whose name gives no good Go identifier.
var fieldNames = map[string]string{"x5t#S256": "CertificateThumbprint"}

// typeNames are the documents whose title is the name of something else in the SDK.
var typeNames = map[string]string{"Decision": "Answer"}

// A bundle holds the definitions of all documents by name, each document among them.
type bundle map[string]map[string]any

// collect takes in the definitions of a document, and the document itself under its title.
func (b bundle) collect(document map[string]any) error {
	definitions, _ := document["$defs"].(map[string]any)
	title, _ := document["title"].(string)
	if title == "" {
		return fmt.Errorf("the schema has no title")
	}
	if name, ok := typeNames[title]; ok {
		title = name
	}
	definitions[title] = document
	for name, definition := range definitions {
		definition := definition.(map[string]any)
		if known, ok := b[name]; ok && !reflect.DeepEqual(known, definition) {
			return fmt.Errorf("`%s` means two things", name)
		}
		b[name] = definition
	}
	return nil
}

// simplified are the definitions, saying no more than a Go type can: what only validates is left out, and unions have
// a shape that the generator knows.
func (b bundle) simplified() map[string]any {
	definitions := map[string]any{}
	for name, definition := range b {
		definitions[name] = b.simplify(definition)
	}
	return definitions
}

// words are the descriptions of each enumeration: its own under the empty word, and those of its words.
func (b bundle) words() map[string]map[string]string {
	words := map[string]map[string]string{}
	for name, definition := range b {
		if !isEnumeration(definition) {
			continue
		}
		words[name] = map[string]string{"": definition["description"].(string)}
		for _, alternative := range alternatives(definition) {
			words[name][alternative["const"].(string)] = alternative["description"].(string)
		}
	}
	return words
}

func (b bundle) simplify(schema any) map[string]any {
	object, ok := schema.(map[string]any)
	if !ok {
		return map[string]any{} // `true`: anything
	}
	if alternatives := alternatives(object); alternatives != nil {
		object = merge(object, alternatives)
	}
	simple := map[string]any{}
	for _, name := range []string{"type", "description", "enum", "required", "$ref"} {
		if value, ok := object[name]; ok {
			simple[name] = value
		}
	}
	if object["$ref"] == "#/$defs/Instant" {
		delete(simple, "$ref")
		simple["type"], simple["format"] = "string", "date-time"
	}
	if items, ok := object["items"]; ok {
		simple["items"] = b.simplify(items)
	}
	switch additional := object["additionalProperties"].(type) {
	case map[string]any:
		simple["additionalProperties"] = b.simplify(additional)
	case bool:
		// That unknown members are refused is for the writer of an object, never for its reader.
		if additional {
			simple["additionalProperties"] = true
		}
	}
	if properties, ok := object["properties"].(map[string]any); ok {
		members := map[string]any{}
		for name, property := range properties {
			members[name] = b.member(name, property, contains(object["required"], name))
		}
		simple["properties"] = members
	}
	return simple
}

// member simplifies a property. Optional text is no pointer: empty and absent mean the same in this API.
func (b bundle) member(name string, property any, required bool) map[string]any {
	member := b.simplify(property)
	extension := map[string]any{}
	if field, ok := fieldNames[name]; ok {
		extension["identifier"] = field
	}
	reference, _ := member["$ref"].(string)
	target := strings.TrimPrefix(reference, "#/$defs/")
	switch {
	case required:
	case isEnumeration(b[target]):
		extension["type"], extension["nillable"] = target, true
	case member["type"] == "string" && member["format"] == nil:
		extension["type"], extension["nillable"] = "string", true
	}
	if len(extension) > 0 {
		member["goJSONSchema"] = extension
	}
	return member
}

// merge makes one schema of alternatives: constants become an enumeration, objects that a constant member tells apart
// become one object with the members of all.
func merge(schema map[string]any, alternatives []map[string]any) map[string]any {
	if isEnumeration(schema) {
		var words []any
		for _, alternative := range alternatives {
			words = append(words, alternative["const"])
		}
		return map[string]any{"type": "string", "enum": words, "description": schema["description"]}
	}
	lines := []string{schema["description"].(string)}
	properties, required := map[string]any{}, []any{}
	for _, alternative := range alternatives {
		for name, property := range alternative["properties"].(map[string]any) {
			if word, ok := property.(map[string]any)["const"]; ok {
				lines = append(lines, fmt.Sprintf("`%v`: %v", word, alternative["description"]))
				property = map[string]any{"type": "string", "description": "Which one it is."}
				required = []any{name}
			}
			properties[name] = property
		}
	}
	return map[string]any{
		"type": "object", "description": strings.Join(lines, "\n\n"), "properties": properties, "required": required,
	}
}

func alternatives(schema map[string]any) []map[string]any {
	list, _ := schema["oneOf"].([]any)
	var alternatives []map[string]any
	for _, alternative := range list {
		alternatives = append(alternatives, alternative.(map[string]any))
	}
	return alternatives
}

func isEnumeration(schema map[string]any) bool {
	for _, alternative := range alternatives(schema) {
		if _, ok := alternative["const"]; !ok {
			return false
		}
	}
	return schema["oneOf"] != nil
}

func contains(list any, name string) bool {
	names, _ := list.([]any)
	for _, entry := range names {
		if entry == name {
			return true
		}
	}
	return false
}
