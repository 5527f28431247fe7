// Command generate writes types.go of the SDK and placettest/rules.go from the JSON Schemas of the decision API.
//
// It runs as `go generate` in the folder of the SDK, and needs Go 1.25 or newer.
package main

import (
	"flag"
	"log"
	"os"
	"path/filepath"
)

// files are what is generated, below the folder of the SDK.
var files = map[string]func(schemas string) ([]byte, error){
	"types.go":            Source,
	"placettest/rules.go": Rules,
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("generate: ")
	schemas := flag.String("schemas", "../../../schemas/1", "folder of the JSON Schemas")
	sdk := flag.String("sdk", "../..", "folder of the SDK")
	flag.Parse()
	for name, generate := range files {
		source, err := generate(*schemas)
		if err != nil {
			log.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(*sdk, name), source, 0o644); err != nil {
			log.Fatal(err)
		}
	}
}
