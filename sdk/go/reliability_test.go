package placet_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"placet.example/placet"
	"placet.example/placet/placettest"
)

func TestAHandlerThatIsLateIsToldSoAndTheServerToo(t *testing.T) {
	told := make(chan error, 1)
	p := policyOf(t, func(ctx context.Context, x *placet.ClientCredentials) placet.Decision {
		if _, ok := ctx.Deadline(); !ok {
			t.Error("there is no deadline")
		}
		<-ctx.Done()
		told <- ctx.Err()
		return x.Allow()
	})
	request := placettest.Request(envelope())
	request.Header.Set("Placet-Timeout-Ms", "30")
	expect(t, serve(p, request), 504, "timeout")
	if err := <-told; err != context.DeadlineExceeded {
		t.Errorf("the handler is told %v", err)
	}
}

func TestWithoutTimeLeftNobodyIsAsked(t *testing.T) {
	p := policyOf(t, func(context.Context, *placet.ClientCredentials) placet.Decision {
		t.Error("the handler was asked")
		return placet.Decision{}
	})
	request := placettest.Request(envelope())
	request.Header.Set("Placet-Timeout-Ms", "0")
	expect(t, serve(p, request), 504, "timeout")
}

func TestATimeoutThatIsNoNumberOrTooLongIsTenSeconds(t *testing.T) {
	for _, given := range []string{"", "soon", "-1", "3600000", "99999999999999999999"} {
		p := policyOf(t, func(ctx context.Context, x *placet.ClientCredentials) placet.Decision {
			if deadline, _ := ctx.Deadline(); time.Until(deadline) > 10*time.Second {
				t.Errorf("`%s`: the deadline is in %s", given, time.Until(deadline))
			}
			return x.Allow()
		})
		request := placettest.Request(envelope())
		request.Header.Set("Placet-Timeout-Ms", given)
		if response := serve(p, request); response.Code != 200 {
			t.Errorf("`%s`: %d", given, response.Code)
		}
	}
}

func TestAHandlerSeesTheValuesOfTheRequestAndOutlivesItsConnection(t *testing.T) {
	type key struct{}
	connection, hangUp := context.WithCancel(context.WithValue(context.Background(), key{}, "trace"))
	decided := make(chan any, 1)
	p := policyOf(t, func(ctx context.Context, x *placet.ClientCredentials) placet.Decision {
		hangUp()
		if ctx.Err() != nil {
			t.Error("the handler is stopped")
		}
		decided <- ctx.Value(key{})
		return x.Allow()
	})
	asked := envelope()
	serve(p, placettest.Request(asked).WithContext(connection))
	if value := <-decided; value != "trace" {
		t.Errorf("the value is %v", value)
	}
	placettest.Ask(t, p, asked)
}

func TestAPanicIsAFailureWithoutDetails(t *testing.T) {
	var logged bytes.Buffer
	p := placet.New(placet.Secret(placettest.Secret), placet.Logger(log.New(&logged, "", 0)))
	p.ClientCredentials(func(context.Context, *placet.ClientCredentials) placet.Decision { panic("the cat is out") })
	response := serve(p, placettest.Request(envelope()))
	expect(t, response, 500, "internal")
	if strings.Contains(response.Body.String(), "cat") {
		t.Error("the answer has the details")
	}
	if !strings.Contains(logged.String(), "the cat is out") {
		t.Error("the log has no details")
	}
}

func TestADecisionThatIsNoneIsAFailure(t *testing.T) {
	for name, decision := range map[string]placet.Decision{
		"none":                       {},
		"a denial without a code":    placet.Deny("", ""),
		"quotes in the description":  placet.Deny("access_denied", `no "entry"`),
		"umlauts in the description": placet.Deny("access_denied", "Zugriff für Unbefugte verboten"),
		"a denial that sets":         placet.Deny("access_denied", "").Scope("orders.read"),
		"a demand that sets":         placet.StepUp("urn:placet:acr:mfa").Set("/grant/sub", "bob"),
		"a demand with another's":    placet.SelectAccount().MaxAge(time.Minute),
		"a demand of the past":       placet.StepUp("urn:placet:acr:mfa").MaxAge(-time.Minute),
		"a URI without a denial":     placet.StepUp("urn:placet:acr:mfa").URI("https://policy.example/why"),
		"a detail without a reason":  placet.SelectAccount().Detail("because"),
		"a cache of the past":        placet.Deny("access_denied", "").Cache(-time.Second),
	} {
		decision := decision
		p := policyOf(t, func(context.Context, *placet.ClientCredentials) placet.Decision { return decision })
		t.Run(name, func(t *testing.T) { expect(t, serve(p, placettest.Request(envelope())), 500, "internal") })
	}
	for name, change := range map[string]func(placet.Decision) placet.Decision{
		"a pointer to nothing":      func(d placet.Decision) placet.Decision { return d.Set("grant", 1) },
		"a member of text":          func(d placet.Decision) placet.Decision { return d.Subject("alice").Set("/grant/sub/x", 1) },
		"no time to live":           func(d placet.Decision) placet.Decision { return d.Lifetime(time.Millisecond) },
		"a value that is no JSON":   func(d placet.Decision) placet.Decision { return d.Data("x", func() {}) },
		"more than can be answered": func(d placet.Decision) placet.Decision { return d.Data("x", strings.Repeat("x", 64<<10)) },
		"too many tags": func(d placet.Decision) placet.Decision {
			for i := 0; i < 17; i++ {
				d = d.Tag(string(rune('a'+i)), "")
			}
			return d
		},
	} {
		change := change
		p := policyOf(t, func(_ context.Context, x *placet.ClientCredentials) placet.Decision { return change(x.Allow()) })
		t.Run(name, func(t *testing.T) { expect(t, serve(p, placettest.Request(envelope())), 500, "internal") })
	}
}

func TestAPolicyThatCannotDecideIsAskedAgain(t *testing.T) {
	down := true
	p := policyOf(t, func(_ context.Context, x *placet.ClientCredentials) placet.Decision {
		if down {
			return placet.Unavailable(errors.New("the directory at 192.0.2.1 is away")).Reason("directory")
		}
		return x.Allow()
	})
	asked := envelope()
	response := serve(p, placettest.Request(asked))
	expect(t, response, 503, "unavailable")
	if response.Header().Get("Retry-After") == "" || strings.Contains(response.Body.String(), "directory") {
		t.Errorf("the answer is %v %s", response.Header(), response.Body)
	}
	down = false
	placettest.Ask(t, p, asked)
}

func counting(t *testing.T, asked *int32) *placet.Policy {
	t.Helper()
	return policyOf(t, func(_ context.Context, x *placet.ClientCredentials) placet.Decision {
		return x.Allow().Data("number", atomic.AddInt32(asked, 1))
	})
}

func number(t *testing.T, p http.Handler, envelope map[string]any) any {
	t.Helper()
	value, _ := placettest.At(placettest.Ask(t, p, envelope), "/set/grant/data/number")
	return value
}

func TestARepeatedRequestGetsTheSameAnswerForFiveMinutes(t *testing.T) {
	var count int32
	p := counting(t, &count)
	now := time.Now()
	placet.SetClock(p, func() time.Time { return now })
	asked := envelope()
	first := number(t, p, asked)
	again := placettest.Merge(asked, map[string]any{"attempt": 2, "time": "2026-11-23T09:20:01Z"}).(map[string]any)
	if second := number(t, p, again); second != first {
		t.Errorf("the second answer is %v", second)
	}
	now = now.Add(4*time.Minute + 59*time.Second)
	if third := number(t, p, asked); third != first {
		t.Errorf("the answer after almost five minutes is %v", third)
	}
	now = now.Add(time.Second)
	request := placettest.Request(asked)
	body, _ := json.Marshal(asked)
	placettest.Sign(request.Header, placettest.Secret, asked["id"].(string), now, body)
	if response := serve(p, request); response.Code != 200 || count != 2 {
		t.Errorf("after five minutes: %d, and the handler was asked %d times", response.Code, count)
	}
}

func TestTheSameIDWithAnotherQuestionIsAskedAnew(t *testing.T) {
	var count int32
	p := counting(t, &count)
	asked := envelope()
	first := number(t, p, asked)
	other := placettest.Merge(asked, map[string]any{"client": map[string]any{"client_id": "bob"}}).(map[string]any)
	if number(t, p, other) == first {
		t.Error("one client got the answer to another")
	}
}

func TestARepeatedRequestWaitsForTheFirst(t *testing.T) {
	var count int32
	begun, open := make(chan struct{}), make(chan struct{})
	p := policyOf(t, func(_ context.Context, x *placet.ClientCredentials) placet.Decision {
		if atomic.AddInt32(&count, 1) == 1 {
			close(begun)
		}
		<-open
		return x.Allow()
	})
	asked := envelope()
	late := placettest.Request(asked)
	late.Header.Set("Placet-Timeout-Ms", "20")
	expect(t, serve(p, late), 504, "timeout")
	<-begun
	var waiting sync.WaitGroup
	for i := 0; i < 10; i++ {
		waiting.Add(1)
		go func() {
			defer waiting.Done()
			if response := serve(p, placettest.Request(asked)); response.Code != 200 {
				t.Errorf("the answer is %d", response.Code)
			}
		}()
	}
	close(open)
	waiting.Wait()
	if count != 1 {
		t.Errorf("the handler was asked %d times", count)
	}
}

func TestAfterAFailureARepeatedRequestIsANewAttempt(t *testing.T) {
	failed := false
	p := policyOf(t, func(_ context.Context, x *placet.ClientCredentials) placet.Decision {
		if !failed {
			failed = true
			panic("not yet")
		}
		return x.Allow()
	})
	asked := envelope()
	expect(t, serve(p, placettest.Request(asked)), 500, "internal")
	placettest.Ask(t, p, asked)
}

func TestFiftyAtOnceAllGetTheirOwnAnswer(t *testing.T) {
	p := policyOf(t, func(_ context.Context, x *placet.ClientCredentials) placet.Decision {
		return x.Allow().Data("client", x.Client.ClientID)
	})
	var all sync.WaitGroup
	for i := 0; i < 50; i++ {
		client := string(rune('A' + i))
		all.Add(1)
		go func() {
			defer all.Done()
			asked := placettest.Merge(envelope(), map[string]any{"client": map[string]any{"client_id": client}})
			response := serve(p, placettest.Request(asked.(map[string]any)))
			if !strings.Contains(response.Body.String(), `"client":`+string(mustJSON(client))) {
				t.Errorf("%s: %d %s", client, response.Code, response.Body)
			}
		}()
	}
	all.Wait()
}

func mustJSON(value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return text
}

func TestWhenTooManyHandlersRunTheServerIsAskedToComeAgain(t *testing.T) {
	var running int32
	open := make(chan struct{})
	p := policyOf(t, func(_ context.Context, x *placet.ClientCredentials) placet.Decision {
		atomic.AddInt32(&running, 1)
		<-open
		return x.Allow()
	})
	// Those who ask give up at once; their handlers stay.
	asked := envelope()
	for tries := 0; atomic.LoadInt32(&running) < 512 && tries < 20000; tries++ {
		asked["id"] = fmt.Sprintf("dec_%d", tries)
		request := placettest.Request(asked)
		request.Header.Set("Placet-Timeout-Ms", "1")
		if response := serve(p, request); response.Code == 503 {
			break
		}
	}
	response := serve(p, placettest.Request(envelope()))
	expect(t, response, 503, "busy")
	if response.Header().Get("Retry-After") == "" {
		t.Error("it does not say when")
	}
	close(open)
	for tries := 0; serve(p, placettest.Request(envelope())).Code != 200; tries++ {
		if tries == 500 {
			t.Fatal("it stays busy when nothing runs")
		}
		time.Sleep(10 * time.Millisecond)
	}
}
