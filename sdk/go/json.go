package placet

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"unicode/utf8"
)

const maxDepth = 32

var errJSON = errors.New("the body is no I-JSON object")

// checkJSON tells whether a body is one object of I-JSON (RFC 7493), nested at most 32 deep. Duplicate names matter:
// another reader of the same signed text may take the other one.
func checkJSON(body []byte) error {
	if !utf8.Valid(body) {
		return errJSON
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var open []container
	for {
		token, err := decoder.Token()
		if err != nil {
			return errJSON
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			if len(open) == 0 && token != json.Delim('{') || len(open) == maxDepth {
				return errJSON
			}
			if !place(open, nil) {
				return errJSON
			}
			open = append(open, newContainer(token))
		case json.Delim('}'), json.Delim(']'):
			open = open[:len(open)-1]
		default:
			if len(open) == 0 || !place(open, token) {
				return errJSON
			}
		}
		if len(open) == 0 {
			break
		}
	}
	if _, err := decoder.Token(); err != io.EOF {
		return errJSON
	}
	return nil
}

// A container is an open object or array.
type container struct {
	names map[string]bool // of an object
	value bool            // a name was read, and its value comes next
}

func newContainer(token json.Token) container {
	if token == json.Delim('{') {
		return container{names: map[string]bool{}}
	}
	return container{}
}

// place puts a token into the innermost container, and is false if it is a name that the container already has.
func place(open []container, token json.Token) bool {
	if len(open) == 0 {
		return true
	}
	inner := &open[len(open)-1]
	if inner.names == nil {
		return true
	}
	if inner.value {
		inner.value = false
		return true
	}
	name, _ := token.(string)
	if inner.names[name] {
		return false
	}
	inner.names[name] = true
	inner.value = true
	return true
}
