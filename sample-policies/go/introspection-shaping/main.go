// Command introspection-shaping decides `token.introspect`: what each resource server sees of a token.
package main

import (
	_ "embed" // for the configuration
	"log"
	"os"

	"placet.example/placet"
)

//go:embed config.json
var sample []byte

func main() {
	log.SetFlags(0)
	text, from := sample, "the sample configuration"
	if path := os.Getenv("POLICY_CONFIG"); path != "" {
		var err error
		if text, err = os.ReadFile(path); err != nil {
			log.Fatal(err)
		}
		from = "`" + path + "`"
	}
	config, err := parse(text)
	if err != nil {
		log.Fatalf("%s: %v", from, err)
	}
	log.Printf("using %s with %d callers", from, len(config.Callers))
	if err := placet.ListenAndServe(config.policy(placet.SecretFromEnv())); err != nil {
		log.Fatal(err)
	}
}
