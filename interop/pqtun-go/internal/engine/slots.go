package engine

import (
	"net/netip"

	"pqtun-go/internal/primitives"
	"pqtun-go/internal/wire"
)

// slotKey is what a reassembly slot belongs to (§6).
type slotKey struct {
	from   netip.AddrPort
	sender wire.Index
	suite  byte
	count  int
}

// slot is an initiation coming together.
type slot struct {
	key        slotKey
	prefix     netip.Prefix
	inPoolA    bool
	born       Instant
	reassembly *wire.Reassembly
	proven     bool // every fragment so far had a valid mac2
	received   int  // bytes of its datagrams
	mac1       primitives.Tag
	group      *group // of fragment 0: the one that verified its mac1
}

// slots are the two pools of §6.
type slots struct {
	limits     Limits
	byKey      map[slotKey]*slot
	inA, inB   int
	sourceUsed map[netip.AddrPort]int // pool A
	prefixUsed map[netip.Prefix]int   // pool B
}

func newSlots(limits Limits) slots {
	return slots{
		limits:     limits,
		byKey:      map[slotKey]*slot{},
		sourceUsed: map[netip.AddrPort]int{},
		prefixUsed: map[netip.Prefix]int{},
	}
}

func (s *slots) expire(now Instant) {
	for _, held := range s.byKey {
		if now-held.born >= s.limits.SlotLife {
			s.remove(held)
		}
	}
}

// open makes a slot for a fragment, or returns nil when there is no room for
// it. A proven fragment may evict the oldest slot without mac2 (§6).
func (s *slots) open(now Instant, from netip.AddrPort, f *wire.Fragment, poolA, proven bool) *slot {
	prefix := sourcePrefix(from)
	overQuota, full, half := s.prefixUsed[prefix] >= s.limits.SlotsPerPrefix, s.inB >= s.limits.PoolB, s.inB*2 >= s.limits.PoolB
	if poolA {
		overQuota, full, half = s.sourceUsed[from] >= s.limits.SlotsPerSource, s.inA >= s.limits.PoolA, false
	}
	if overQuota || full || half && !proven {
		if !proven {
			return nil
		}
		own := func(held *slot) bool { return held.prefix == prefix && (!poolA || held.key.from == from) }
		victim := s.oldestUnproven(poolA, func(held *slot) bool { return !overQuota || own(held) })
		if victim == nil {
			return nil
		}
		s.remove(victim)
	}
	made := &slot{
		key:        keyOf(from, f),
		prefix:     prefix,
		inPoolA:    poolA,
		born:       now,
		reassembly: wire.NewReassembly(f.Geometry),
		proven:     true,
	}
	s.byKey[made.key] = made
	s.count(made, 1)
	return made
}

func (s *slots) oldestUnproven(poolA bool, among func(*slot) bool) (oldest *slot) {
	for _, held := range s.byKey {
		if held.inPoolA == poolA && !held.proven && among(held) && (oldest == nil || held.born < oldest.born) {
			oldest = held
		}
	}
	return oldest
}

func (s *slots) remove(held *slot) {
	delete(s.byKey, held.key)
	s.count(held, -1)
}

func (s *slots) count(held *slot, by int) {
	if held.inPoolA {
		s.inA += by
		addTo(s.sourceUsed, held.key.from, by)
	} else {
		s.inB += by
		addTo(s.prefixUsed, held.prefix, by)
	}
}

func addTo[K comparable](counts map[K]int, key K, by int) {
	if counts[key] += by; counts[key] == 0 {
		delete(counts, key)
	}
}

func keyOf(from netip.AddrPort, f *wire.Fragment) slotKey {
	return slotKey{from: from, sender: f.Sender, suite: f.Suite.Byte, count: f.Count}
}
