package vectors

import (
	"time"

	"pqtun-go/internal/timestamp"
)

// Timestamp is the TS of a moment.
type Timestamp struct {
	Seconds     int64 `json:"seconds"` // since 1970 UTC
	Nanoseconds int64 `json:"nanoseconds"`
	TS          Hex   `json:"ts"`
}

// NextTimestamp is the TS an initiator sends by C6.
type NextTimestamp struct {
	LastSent    Hex   `json:"lastSent"`
	Seconds     int64 `json:"seconds"` // the clock
	Nanoseconds int64 `json:"nanoseconds"`
	TS          Hex   `json:"ts"`
}

func timestamps() (out []Timestamp) {
	for _, at := range [][2]int64{
		{0, 0},
		{1_800_000_000, 0},
		{1_800_000_000, 1<<24 - 1},
		{1_800_000_000, 1 << 24},
		{1_800_000_000, 123_456_789},
		{1_800_000_000, 59<<24 - 1},
		{1_800_000_000, 59 << 24}, // the last whole multiple in a second
		{1_800_000_000, 999_999_999},
		{1<<32 - 1, 999_999_999},
		{1 << 32, 0},
	} {
		ts := timestamp.At(time.Unix(at[0], at[1]))
		out = append(out, Timestamp{at[0], at[1], ts[:]})
	}
	return out
}

func nextTimestamps() (out []NextTimestamp) {
	for _, c := range []struct{ last, now [2]int64 }{
		{[2]int64{1_800_000_000, 0}, [2]int64{1_800_000_001, 5}},               // the clock went on
		{[2]int64{1_800_000_000, 0}, [2]int64{1_800_000_000, 1<<24 - 1}},       // less than a step
		{[2]int64{1_800_000_000, 0}, [2]int64{1_800_000_000, 1 << 24}},         // just a step
		{[2]int64{1_800_000_000, 58 << 24}, [2]int64{1_700_000_000, 0}},        // the clock went back
		{[2]int64{1_800_000_000, 59 << 24}, [2]int64{1_800_000_000, 59 << 24}}, // carry
		{[2]int64{1<<32 - 1, 59 << 24}, [2]int64{0, 0}},                        // carry past 2^32
	} {
		last := timestamp.At(time.Unix(c.last[0], c.last[1]))
		ts := timestamp.Max(timestamp.At(time.Unix(c.now[0], c.now[1])), last.Next())
		out = append(out, NextTimestamp{last[:], c.now[0], c.now[1], ts[:]})
	}
	return out
}
