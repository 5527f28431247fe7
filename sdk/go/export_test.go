package placet

import (
	"context"
	"net"
	"time"
)

// SetClock replaces the clock of a policy, but for its deadlines.
func SetClock(p *Policy, now func() time.Time) { p.now = now }

// Configure takes from the environment what the options left open.
func Configure(p *Policy, address string) error { return p.configure(address) }

// Serve serves until the context ends.
func Serve(ctx context.Context, p *Policy, listener net.Listener) error {
	return p.serve(ctx, listener)
}
