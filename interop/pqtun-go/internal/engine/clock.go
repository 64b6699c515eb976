package engine

import (
	"time"

	"pqtun-go/internal/timestamp"
)

// Blocks of the ceiling of C6.
const (
	ceilingBlock  = 10 * time.Minute
	ceilingMargin = ceilingBlock / 2
)

// senderClock makes the timestamps of our initiations (C6): strictly rising,
// over all peers of the identity.
type senderClock struct {
	last, ceiling timestamp.TS
	store         func(timestamp.TS) error // nil: in memory only
}

// next is max(TAI64N(now), last TS sent + 2^24 ns). err is a failure to store
// the ceiling; the timestamp is good all the same.
func (c *senderClock) next(wall time.Time) (ts timestamp.TS, err error) {
	ts = timestamp.At(wall)
	if c.last != (timestamp.TS{}) {
		ts = timestamp.Max(ts, c.last.Next())
	}
	c.last = ts
	if ts.Add(ceilingMargin).After(c.ceiling) {
		err = c.raise(ts.Add(ceilingBlock))
	}
	return ts, err
}

func (c *senderClock) raise(ceiling timestamp.TS) error {
	if c.store == nil {
		return nil
	}
	if err := c.store(ceiling); err != nil {
		return err
	}
	c.ceiling = ceiling
	return nil
}

// close writes the exact value.
func (c *senderClock) close() error {
	if c.store == nil || c.last == (timestamp.TS{}) {
		return nil
	}
	return c.store(c.last)
}
