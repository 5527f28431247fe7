// Package samples tries all samples with the conformance kit.
package samples

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What the conformance kit says of the samples. PLACET_BIN names the `placet` that brings the kit along.
func TestTheKitFindsNothingWrong(t *testing.T) {
	placet := os.Getenv("PLACET_BIN")
	if placet == "" {
		t.Skip("PLACET_BIN names no program")
	}
	for _, sample := range []string{"introspection-shaping", "jwt-issuer-mapping"} {
		t.Run(sample, func(t *testing.T) { try(t, placet, sample) })
	}
}

func try(t *testing.T, placet, sample string) {
	program := filepath.Join(t.TempDir(), sample)
	if told, err := exec.Command("go", "build", "-o", program, "./"+sample).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, told)
	}
	address := free(t)
	_, port, _ := strings.Cut(address, ":")
	environment := append(os.Environ(),
		"PORT="+port,
		"PLACET_SECRET=whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
		"PLACET_RESPONSE_SECRET=whsec_c2lnbnMgYW5zd2VycywgYW5kIG5vdGhpbmcgZWxzZQ==",
	)
	policy := exec.Command(program)
	policy.Env = environment
	if err := policy.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = policy.Process.Kill()
		_ = policy.Wait()
	}()
	listening(t, address)
	kit := exec.Command(placet, "check-sidecar", "--url", "http://"+address, "--cases", filepath.Join(sample, "cases.json"))
	kit.Env = environment
	told, err := kit.CombinedOutput()
	if err != nil || !strings.Contains(string(told), " 0 failed") {
		t.Fatalf("%v\n%s", err, told)
	}
}

// free is an address that nobody listens on.
func free(t *testing.T) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func listening(t *testing.T, address string) {
	for attempt := 0; attempt < 200; attempt++ {
		if connection, err := net.Dial("tcp", address); err == nil {
			connection.Close()
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("nobody listens at %s", address)
}
