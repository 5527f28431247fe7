package placet_test

import (
	"net"
	"net/http"
	"os"
	"syscall"
	"testing"
	"time"

	"placet.example/placet"
	"placet.example/placet/placettest"
)

// freePort is a port of the loopback interface that nobody listened on a moment ago.
func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func TestItListensWhereTheEnvironmentSaysUntilTheProcessIsAskedToEnd(t *testing.T) {
	port := freePort(t)
	t.Setenv("HOST", "127.0.0.1")
	t.Setenv("PORT", port)
	t.Setenv("PLACET_SECRET", placettest.Secret)
	ended := make(chan error, 1)
	go func() { ended <- placet.ListenAndServe(placet.New(quiet)) }()

	var response *http.Response
	var err error
	for tries := 0; tries < 500; tries++ {
		if response, err = http.Get("http://127.0.0.1:" + port + "/healthz"); err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != 200 {
		t.Errorf("it answers %d", response.StatusCode)
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("it ends with %v", err)
	}
}

func TestItDoesNotListenWithoutASecretOrWhereSomebodyListensAlready(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, err := net.SplitHostPort(taken.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("HOST", "127.0.0.1")
	t.Setenv("PORT", port)
	if err := placet.ListenAndServe(placet.New(quiet, placet.Secret(placettest.Secret))); err == nil {
		t.Error("the port is taken")
	}
	t.Setenv("PORT", "0")
	t.Setenv("PLACET_SECRET", "")
	if err := placet.ListenAndServe(placet.New(quiet)); err == nil {
		t.Error("there is no secret")
	}
}
