package engine

import "net/netip"

// bucket is a token bucket; it starts full.
type bucket struct {
	tokens float64
	at     Instant
}

func (b *bucket) refill(now Instant, rate, burst float64) {
	b.tokens = min(burst, b.tokens+rate*(now-b.at).Seconds())
	b.at = now
}

func (b *bucket) take(now Instant, rate, burst float64) bool {
	b.refill(now, rate, burst)
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// budgets are the two budgets of a source prefix (§6).
type budgets struct {
	unproven, proven bucket
}

// limiter keeps the budgets of source prefixes.
type limiter struct {
	limits   Limits
	prefixes map[netip.Prefix]*budgets
}

// trackedPrefixes bounds the limiter's memory; whoever comes above it counts as
// over rate, which a cookie cures only once room is made.
const trackedPrefixes = 8192

// allow spends from the prefix's budget with or without mac2.
func (l *limiter) allow(now Instant, prefix netip.Prefix, proven bool) bool {
	b := l.prefixes[prefix]
	if b == nil {
		if len(l.prefixes) >= trackedPrefixes {
			l.forgetFull(now)
		}
		if len(l.prefixes) >= trackedPrefixes {
			return false
		}
		b = &budgets{
			unproven: bucket{tokens: l.limits.Burst, at: now},
			proven:   bucket{tokens: l.limits.ProvenBurst, at: now},
		}
		l.prefixes[prefix] = b
	}
	if proven {
		return b.proven.take(now, l.limits.ProvenRate, l.limits.ProvenBurst)
	}
	return b.unproven.take(now, l.limits.Rate, l.limits.Burst)
}

// forgetFull drops prefixes whose budgets are as good as new.
func (l *limiter) forgetFull(now Instant) {
	for prefix, b := range l.prefixes {
		b.unproven.refill(now, l.limits.Rate, l.limits.Burst)
		b.proven.refill(now, l.limits.ProvenRate, l.limits.ProvenBurst)
		if b.unproven.tokens >= l.limits.Burst && b.proven.tokens >= l.limits.ProvenBurst {
			delete(l.prefixes, prefix)
		}
	}
}
