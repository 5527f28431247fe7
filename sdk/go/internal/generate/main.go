// Command generate writes types.go of the SDK from the JSON Schemas of the decision API.
//
// It runs as `go generate` in the folder of the SDK, and needs Go 1.25 or newer.
package main

import (
	"flag"
	"log"
	"os"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("generate: ")
	schemas := flag.String("schemas", "../../../schemas/1", "folder of the JSON Schemas")
	out := flag.String("out", "../../types.go", "the file to write")
	flag.Parse()
	source, err := Source(*schemas)
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(*out, source, 0o644); err != nil {
		log.Fatal(err)
	}
}
