package timestamp

import (
	"encoding/hex"
	"testing"
	"time"
)

func TestTSRoundsNanosecondsDownAndCarries(t *testing.T) {
	for _, c := range []struct {
		at         time.Time
		text, next string
	}{
		{time.Unix(0, 0), "400000000000000a00000000", "400000000000000a01000000"},
		{time.Unix(1_000_000_000, 16_777_215), "400000003b9aca0a00000000", "400000003b9aca0a01000000"},
		{time.Unix(1_000_000_000, 16_777_216), "400000003b9aca0a01000000", "400000003b9aca0a02000000"},
		// 59 · 2^24 = 989,855,744; one more is 1,006,632,960: carry, 6,632,960 rounds to 0.
		{time.Unix(1_000_000_000, 999_999_999), "400000003b9aca0a3b000000", "400000003b9aca0b00000000"},
	} {
		ts := At(c.at)
		if got := hex.EncodeToString(ts[:]); got != c.text {
			t.Errorf("%v: %s", c.at, got)
		}
		next := ts.Next()
		if got := hex.EncodeToString(next[:]); got != c.next {
			t.Errorf("after %v: %s", c.at, got)
		}
		if !next.After(ts) || ts.After(ts) {
			t.Error("order")
		}
	}
}
