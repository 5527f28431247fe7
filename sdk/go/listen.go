package placet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

const (
	defaultHost = "127.0.0.1"
	defaultPort = "8092"
	graceTime   = 10 * time.Second
)

// ListenAndServe serves a policy over HTTP until the process is asked to end (SIGINT or SIGTERM), and then lets the
// requests under way finish; then there is no error. The environment configures it:
//
//   - PORT (8092) and HOST (127.0.0.1): where it listens. Beyond the own machine, put TLS in front.
//   - PLACET_SIDECAR_ID: the URL that the operator registers, if the option ID is not given; http://HOST:PORT without.
//   - PLACET_SECRET, PLACET_PREVIOUS_SECRET, PLACET_RESPONSE_SECRET: as SecretFromEnv, if the policy has no secret.
func ListenAndServe(p *Policy) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	address := net.JoinHostPort(fromEnv("HOST", defaultHost), fromEnv("PORT", defaultPort))
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	defer listener.Close()
	if err := p.configure(listener.Addr().String()); err != nil {
		return err
	}
	p.log.Printf("listening on http://%s", listener.Addr())
	return p.serve(ctx, listener)
}

// configure takes from the environment what the options left open.
func (p *Policy) configure(address string) error {
	if len(p.secrets) == 0 && p.err == nil {
		SecretFromEnv()(p)
	}
	if p.info.ID == "" {
		p.setID("PLACET_SIDECAR_ID", fromEnv("PLACET_SIDECAR_ID", "http://"+address))
	}
	if err := p.Err(); err != nil {
		return fmt.Errorf("placet: %w", err)
	}
	return nil
}

func (p *Policy) serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{
		Handler:           p,
		ErrorLog:          p.log,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      2 * maxTimeout,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.Background(), graceTime)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		return err
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func fromEnv(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}
