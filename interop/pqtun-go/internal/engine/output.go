package engine

import (
	"net/netip"

	"pqtun-go/internal/wire"
)

// Output is what the engine wants done or known: one of the types below.
type Output interface{ output() }

// Transmit is a datagram to send.
type Transmit struct {
	To       netip.AddrPort
	Datagram []byte
}

// Deliver is an inner packet that passed every check.
type Deliver struct {
	Peer   string
	Packet []byte
}

// Established says that a session was confirmed (§5.1): S1 for the initiator,
// the first transport packet for the responder.
type Established struct {
	Peer  string
	Role  Role
	Suite byte
	// Previous is true when N4 made it the previous session at once.
	Previous      bool
	Local, Remote wire.Index
}

// Answer is the answer to one of our probes.
type Answer struct {
	Peer   string
	Token  [8]byte
	Length int
}

// EndpointMoved says that a peer roamed.
type EndpointMoved struct {
	Peer     string
	Endpoint netip.AddrPort
}

// GaveUp says that a sequence of attempts ended without a session (N3).
type GaveUp struct{ Peer string }

// Alarm is a fault of ours: the ceiling of C6 could not be written, or the
// random source failed.
type Alarm struct{ Text string }

func (Transmit) output()      {}
func (Deliver) output()       {}
func (Established) output()   {}
func (Answer) output()        {}
func (EndpointMoved) output() {}
func (GaveUp) output()        {}
func (Alarm) output()         {}

// Drop is a reason why a datagram or packet died (§7): a closed list, counted.
type Drop string

// The reasons.
const (
	DropUnknownType       Drop = "unknown-type"
	DropDowngrade         Drop = "downgrade-refused"
	DropMalformed         Drop = "malformed"
	DropSuite             Drop = "suite-disabled"
	DropMac1              Drop = "mac1"
	DropRate              Drop = "rate"
	DropCookieAsked       Drop = "cookie-asked" // fragment 0 was answered with a cookie reply
	DropUnproven          Drop = "unproven"     // another fragment, where fragment 0 draws a cookie reply
	DropNoSlot            Drop = "no-slot"
	DropDuplicate         Drop = "duplicate-fragment"
	DropCopy              Drop = "initiation-copy" // answered with the response of C3, or not at all
	DropHandshake         Drop = "handshake"       // DH, decapsulation or a tag
	DropUnknownPeer       Drop = "unknown-peer"
	DropOldTimestamp      Drop = "old-timestamp"
	DropPendingFull       Drop = "pending-full"
	DropUnknownIndex      Drop = "unknown-index"
	DropNotOutstanding    Drop = "not-outstanding"
	DropTooManyResponses  Drop = "too-many-responses"
	DropCookieReply       Drop = "cookie-reply"
	DropProfileMismatch   Drop = "profile-mismatch"
	DropCounter           Drop = "counter-limit"
	DropTag               Drop = "tag"
	DropReplay            Drop = "replay"
	DropUnconfirming      Drop = "unconfirming"    // 0x02 or 0x03 on a next (C1)
	DropConfirmedTooLate  Drop = "stale-next"      // C5
	DropInner             Drop = "inner"           // not an IP packet of sound length
	DropSource            Drop = "inner-source"    // cryptokey routing
	DropControl           Drop = "control-ignored" // §3.5
	DropAnswerRate        Drop = "answer-rate"
	DropStagedOverflow    Drop = "staged-overflow"
	DropNoEndpoint        Drop = "no-endpoint"
	DropMessagesExhausted Drop = "messages-exhausted"
)

func (e *Engine) emit(o Output) {
	e.outputs = append(e.outputs, o)
}

func (e *Engine) transmit(to netip.AddrPort, datagram []byte) {
	e.emit(Transmit{To: to, Datagram: datagram})
}

func (e *Engine) drop(reason Drop) {
	e.drops[reason]++
}

// Drops is a copy of the counters.
func (e *Engine) Drops() map[Drop]uint64 {
	out := make(map[Drop]uint64, len(e.drops))
	for k, v := range e.drops {
		out[k] = v
	}
	return out
}
