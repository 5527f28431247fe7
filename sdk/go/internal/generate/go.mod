// The generator of the SDK's wire types: a module of its own, so that the SDK needs nothing but the standard library.
module placet.example/placet/internal/generate

go 1.25.0

require (
	github.com/atombender/go-jsonschema v0.24.1
	github.com/santhosh-tekuri/jsonschema/v6 v6.0.3
	placet.example/placet v0.0.0
)

require (
	dario.cat/mergo v1.0.2 // indirect
	github.com/goccy/go-yaml v1.19.2 // indirect
	github.com/google/go-cmp v0.7.0 // indirect
	github.com/mitchellh/go-wordwrap v1.0.1 // indirect
	github.com/sanity-io/litter v1.5.8 // indirect
	github.com/sosodev/duration v1.4.0 // indirect
	golang.org/x/text v0.14.0 // indirect
)

replace placet.example/placet => ../..
