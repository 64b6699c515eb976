// Package engine is the state machine of protocol.md §5 and §6 for an endpoint
// with a few hybrid peers. It has no clock, sockets or goroutines: whoever owns
// it hands in datagrams, inner packets and the time, and takes Outputs.
//
//	handle… or Advance  →  Poll until empty  →  NextDeadline
package engine

import (
	"net/netip"
	"time"

	"pqtun-go/internal/handshake"
	"pqtun-go/internal/suite"
	"pqtun-go/internal/timestamp"
)

// Instant is a moment of CLOCK_BOOTTIME, from any origin (§5.3).
type Instant = time.Duration

// Config describes the party itself.
type Config struct {
	Statics handshake.Statics
	// Suites are those a responder accepts; of each, the party has an ID.
	Suites []*suite.Suite
	// DeploymentKeys are the gk a responder accepts: each nil (the empty
	// string) or 32 B, at most 8 (§2). Empty means only the empty string.
	DeploymentKeys [][]byte
	// LargestDatagram is M (§3.1); TunnelMTU bounds padding (§3.4).
	LargestDatagram, TunnelMTU int
	// Wall is the wall clock at an Instant, for TS.
	Wall func(Instant) time.Time
	// Source is where secrets, tokens, indices and jitter come from.
	Source handshake.Source
	// LastTS stands for "last TS sent" after a restart, and StoreTS keeps the
	// ceiling (C6); StoreTS may be nil.
	LastTS  timestamp.TS
	StoreTS func(timestamp.TS) error
	Limits  Limits
}

// PeerConfig describes a hybrid peer.
type PeerConfig struct {
	Name      string
	Suite     *suite.Suite
	Public    handshake.Key
	KEMPublic []byte
	// PSK is Q; zero without one.
	PSK handshake.Key
	// DeploymentKey is gk towards this peer: nil or 32 B.
	DeploymentKey       []byte
	Endpoint            netip.AddrPort
	AllowedIPs          []netip.Prefix
	PersistentKeepalive time.Duration
	Profile             Profile
}

// Profile is a column of §5.3, the same at both ends.
type Profile struct {
	RekeyAfter, RejectAfter time.Duration
	// LongestRetry is what the retry interval grows to (N3).
	LongestRetry time.Duration
}

// The two profiles.
var (
	Standard = Profile{RekeyAfter: 120 * time.Second, RejectAfter: 180 * time.Second, LongestRetry: 20 * time.Second}
	Metered  = Profile{RekeyAfter: 3600 * time.Second, RejectAfter: 5400 * time.Second, LongestRetry: 600 * time.Second}
)

// The constants of §5.3 that both profiles share.
const (
	keepaliveTimeout    = 10 * time.Second
	rekeyTimeout        = 5 * time.Second
	rekeyAttemptTime    = 90 * time.Second
	rekeyAfterMessages  = 1 << 60
	rejectAfterMessages = 1<<64 - 1<<13 - 1
)

// The other numbers of §3 and §5, each under its label.
const (
	cookieHeld         = 115 * time.Second // N3
	cookieSecretLife   = 120 * time.Second // §3.3
	cookieSecretGrace  = 5 * time.Second   // §3.3
	responseKept       = 5 * time.Second   // C3
	responseCopies     = 4                 // C3
	pendingPerPeer     = 4                 // C4
	reassembliesPer    = 4                 // N1
	copiedAttempts     = 3                 // N3
	firstCopy          = time.Second       // N3
	secondCopy         = 2500 * time.Millisecond
	answersPerSecond   = 16        // §3.5
	smallProbe         = 64        // T4
	retiredRemembered  = time.Hour // T6
	smallDatagramAfter = 2         // §3.1: failed attempts over IPv4
)

// stagedPackets bounds what waits for a session; the document sets no number.
const stagedPackets = 128

// retiredLimit bounds the memory of indices erased by age.
const retiredLimit = 4096
