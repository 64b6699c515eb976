package engine

import "time"

// Limits are the numbers of §6, all defaults and settable.
type Limits struct {
	Rate, Burst             float64 // fragments a second and prefix, without mac2
	ProvenRate, ProvenBurst float64 // the same with a valid mac2
	PoolA, PoolB            int     // reassembly slots
	SlotsPerSource          int     // of pool A
	SlotsPerPrefix          int     // of pool B
	SlotLife                time.Duration
	HandshakesPerSecond     int // above it the engine is under load
}

// DefaultLimits are those of the document.
func DefaultLimits() Limits {
	return Limits{
		Rate: 20, Burst: 16,
		ProvenRate: 50, ProvenBurst: 32,
		PoolA: 192, PoolB: 64,
		SlotsPerSource: 2, SlotsPerPrefix: 4,
		SlotLife:            3 * time.Second,
		HandshakesPerSecond: 200,
	}
}
