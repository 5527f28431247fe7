package placet

import (
	"container/list"
	"sync"
	"time"
)

const (
	answersKept   = 5 * time.Minute
	maxAnswers    = 4096
	maxRemembered = 8 << 20 // bytes
)

// answers remembers what was answered, so that a repeated request gets the same answer and has its effects once. When
// there are too many, the oldest are forgotten.
type answers struct {
	mu    sync.Mutex
	known map[[32]byte]*reply
	done  list.List // of *reply, the oldest first
	bytes int
}

// A reply is an answer, or one that is still being made.
type reply struct {
	key     [32]byte
	ready   chan struct{} // closed when body and problem are there
	body    []byte
	problem *problem
	until   time.Time
}

func newAnswers() *answers { return &answers{known: map[[32]byte]*reply{}} }

// take is the reply to a request, and whether the caller is the first, who has to settle it.
func (a *answers) take(key [32]byte, now time.Time) (*reply, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.forget(now)
	if known, ok := a.known[key]; ok {
		return known, false
	}
	fresh := &reply{key: key, ready: make(chan struct{})}
	a.known[key] = fresh
	return fresh, true
}

// settle completes a reply. Only answers are remembered: after a failure, a repeated request is a new attempt.
func (a *answers) settle(r *reply, body []byte, problem *problem, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	r.body, r.problem, r.until = body, problem, now.Add(answersKept)
	if problem != nil {
		delete(a.known, r.key)
	} else {
		a.done.PushBack(r)
		a.bytes += len(body)
		a.forget(now)
	}
	close(r.ready)
}

func (a *answers) forget(now time.Time) {
	for oldest := a.done.Front(); oldest != nil; oldest = a.done.Front() {
		r := oldest.Value.(*reply)
		if a.done.Len() <= maxAnswers && a.bytes <= maxRemembered && now.Before(r.until) {
			return
		}
		a.done.Remove(oldest)
		a.bytes -= len(r.body)
		delete(a.known, r.key)
	}
}
