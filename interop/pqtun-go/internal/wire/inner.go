package wire

import (
	"encoding/binary"
	"net/netip"
)

// InnerSource returns the packet without its padding and its source address.
// The length is taken from the IP header; ok is false when the first nibble is
// neither 4 nor 6, or the length is below the header's or above the payload's
// (§3.4). "The header's" is the fixed part: 20 B and 40 B.
func InnerSource(payload []byte) (packet []byte, source netip.Addr, ok bool) {
	const header4, header6 = 20, 40
	switch {
	case len(payload) >= header4 && payload[0]>>4 == 4:
		length := int(binary.BigEndian.Uint16(payload[2:]))
		if length < header4 || length > len(payload) {
			return nil, source, false
		}
		return payload[:length], netip.AddrFrom4([4]byte(payload[12:])), true
	case len(payload) >= header6 && payload[0]>>4 == 6:
		length := header6 + int(binary.BigEndian.Uint16(payload[4:]))
		if length > len(payload) {
			return nil, source, false
		}
		return payload[:length], netip.AddrFrom16([16]byte(payload[8:])), true
	}
	return nil, source, false
}
