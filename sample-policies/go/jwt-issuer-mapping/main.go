// Command jwt-issuer-mapping decides `grant.jwt_bearer`: which local subject an assertion of another issuer stands for,
// and which scope it can give.
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
	log.Printf("using %s with %d issuers", from, len(config.Issuers))
	if err := placet.ListenAndServe(config.policy(placet.SecretFromEnv())); err != nil {
		log.Fatal(err)
	}
}
