// Package timestamp is TS of protocol.md §1: a TAI64N label of 12 bytes with
// whitened nanoseconds.
package timestamp

import (
	"bytes"
	"encoding/binary"
	"time"
)

// Size is the length of an encoded timestamp.
const Size = 12

// grain is what nanoseconds are rounded down to a multiple of.
const grain = 1 << 24

// tai64Base is 2^62 plus the ten leap seconds of 1970.
const tai64Base = 1<<62 + 10

// TS is BE64(2^62 + 10 + unix seconds) ‖ BE32(nanoseconds).
type TS [Size]byte

// At encodes a wall-clock moment.
func At(t time.Time) TS {
	return encode(uint64(tai64Base+t.Unix()), uint32(t.Nanosecond()))
}

// Next adds 2^24 ns, carrying at 10^9 and rounding down again.
func (ts TS) Next() TS {
	seconds, nanoseconds := ts.split()
	nanoseconds += grain
	if nanoseconds >= 1e9 {
		seconds++
		nanoseconds -= 1e9
	}
	return encode(seconds, nanoseconds)
}

// Add returns ts later by whole seconds of d, for the ceiling of C6.
func (ts TS) Add(d time.Duration) TS {
	seconds, nanoseconds := ts.split()
	return encode(seconds+uint64(d/time.Second), nanoseconds)
}

// After compares as byte strings; nothing validates the nanoseconds.
func (ts TS) After(other TS) bool {
	return bytes.Compare(ts[:], other[:]) > 0
}

// Max returns the later of two.
func Max(a, b TS) TS {
	if b.After(a) {
		return b
	}
	return a
}

func (ts TS) split() (seconds uint64, nanoseconds uint32) {
	return binary.BigEndian.Uint64(ts[:8]), binary.BigEndian.Uint32(ts[8:])
}

func encode(seconds uint64, nanoseconds uint32) (ts TS) {
	binary.BigEndian.PutUint64(ts[:8], seconds)
	binary.BigEndian.PutUint32(ts[8:], nanoseconds&^(grain-1))
	return ts
}
