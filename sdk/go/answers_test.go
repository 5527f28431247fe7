package placet

import (
	"encoding/binary"
	"testing"
	"time"
)

func fill(a *answers, count, size int) {
	for i := 0; i < count; i++ {
		var key [32]byte
		binary.BigEndian.PutUint64(key[:], uint64(i))
		reply, _ := a.take(key, time.Unix(0, 0))
		a.settle(reply, make([]byte, size), nil, time.Unix(0, 0))
	}
}

func TestOnlySoManyAnswersAreRemembered(t *testing.T) {
	for name, each := range map[string]struct{ count, size, kept int }{
		"few":        {10, 1000, 10},
		"many":       {maxAnswers + 50, 100, maxAnswers},
		"large ones": {1000, 64 << 10, maxRemembered / (64 << 10)},
	} {
		a := newAnswers()
		fill(a, each.count, each.size)
		if len(a.known) != each.kept || a.done.Len() != each.kept || a.bytes != each.kept*each.size {
			t.Errorf("%s: %d answers, %d bytes", name, len(a.known), a.bytes)
		}
		var last [32]byte
		binary.BigEndian.PutUint64(last[:], uint64(each.count-1))
		if _, first := a.take(last, time.Unix(0, 0)); first {
			t.Errorf("%s: the newest is forgotten", name)
		}
	}
}

func TestAnswersAreForgottenWhenTheirTimeIsOver(t *testing.T) {
	a := newAnswers()
	fill(a, 10, 100)
	if _, first := a.take([32]byte{1}, time.Unix(300, 0)); !first || len(a.known) != 1 || a.bytes != 0 {
		t.Errorf("%d answers, %d bytes", len(a.known), a.bytes)
	}
}
