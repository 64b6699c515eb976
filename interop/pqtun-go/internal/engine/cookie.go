package engine

import (
	"crypto/subtle"
	"net/netip"

	"pqtun-go/internal/primitives"
	"pqtun-go/internal/wire"
)

// cookieSecret is R of §3.3: replaced every 120 s, the one before verifies for
// 5 s more. Replacement is reckoned, not timed, so an idle engine sleeps.
type cookieSecret struct {
	current, previous primitives.Key
	born              Instant
	hasPrevious       bool
	previousUntil     Instant
}

// refresh replaces R as often as its life has passed since it was born.
func (c *cookieSecret) refresh(now Instant, fresh func() primitives.Key) {
	if c.hasPrevious && now >= c.previousUntil {
		c.hasPrevious = false
		clear(c.previous[:])
	}
	age := now - c.born
	if age < cookieSecretLife {
		return
	}
	replaced := c.born + cookieSecretLife
	c.hasPrevious = now < replaced+cookieSecretGrace
	c.previous, c.previousUntil = c.current, replaced+cookieSecretGrace
	c.current = fresh()
	c.born += age / cookieSecretLife * cookieSecretLife
}

// cookieFor is the cookie of a source under the present R.
func (e *Engine) cookieFor(now Instant, source netip.AddrPort) primitives.Tag {
	e.cookies.refresh(now, e.key)
	return wire.MakeCookie(&e.cookies.current, source)
}

// verifyMac2 says whether a fragment proves that its sender receives at its
// source address.
func (e *Engine) verifyMac2(now Instant, source netip.AddrPort, f *wire.Fragment) bool {
	e.cookies.refresh(now, e.key)
	if verifyTag(wire.MakeCookie(&e.cookies.current, source), f) {
		return true
	}
	return e.cookies.hasPrevious && verifyTag(wire.MakeCookie(&e.cookies.previous, source), f)
}

func verifyTag(cookie primitives.Tag, f *wire.Fragment) bool {
	want, got := primitives.MAC(cookie[:], f.BeforeMac2()), f.Mac2()
	return subtle.ConstantTimeCompare(want[:], got[:]) == 1
}

// sendCookieReply answers a fragment 0 with the cookie of its source (§3.3).
func (e *Engine) sendCookieReply(now Instant, to netip.AddrPort, sender wire.Index, mac1 primitives.Tag, g *group) {
	cookie := e.cookieFor(now, to)
	nonce := [primitives.XNonceSize]byte(e.random(primitives.XNonceSize))
	e.transmit(to, wire.BuildCookieReply(sender, &nonce, &g.cookieKey, &mac1, &cookie))
}

// heldCookie is a cookie an initiator holds for an address (N3).
type heldCookie struct {
	value primitives.Tag
	to    netip.AddrPort
	until Instant
}

// covers says whether transmissions to an address carry mac2 now.
func (c *heldCookie) covers(now Instant, to netip.AddrPort) bool {
	return c.to == to && now < c.until
}
