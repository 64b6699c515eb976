// Package wire is protocol.md §3: the layout of every datagram. It knows bytes
// and lengths; keys it only carries.
package wire

// The type bytes of §3.
const (
	TypeClassicalInitiation = 0x01
	TypeClassicalResponse   = 0x02
	TypeCookieReply         = 0x03
	TypeTransport           = 0x04
	TypeInitiation          = 0x11
	TypeResponse            = 0x12
)

// Largest datagram M of an initiator (§3.1).
const (
	MinDatagram     = 508
	DefaultDatagram = 1232
	MaxDatagram     = 1452
)

// MacSize is the length of mac1 and mac2.
const MacSize = 16

// Index is a session index as it stands on the wire (LE32).
type Index = uint32
