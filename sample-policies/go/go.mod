module placet.example/policies

go 1.19

require placet.example/placet v0.0.0

replace placet.example/placet => ../../sdk/go
