package wire

import (
	"encoding/binary"
	"net/netip"

	"pqtun-go/internal/primitives"
)

// CookieReplySize is the length of a cookie reply (§3.3).
const CookieReplySize = 64

// CookieReply is a parsed type 0x03 datagram.
type CookieReply struct {
	Receiver Index
	nonce    [primitives.XNonceSize]byte
	sealed   []byte
}

// ParseCookieReply reads a cookie reply; ok is false on any other length or
// when bytes 1–3 are not zero.
func ParseCookieReply(datagram []byte) (r CookieReply, ok bool) {
	if len(datagram) != CookieReplySize || !hasHeader(datagram, TypeCookieReply) {
		return r, false
	}
	r.Receiver = binary.LittleEndian.Uint32(datagram[4:])
	copy(r.nonce[:], datagram[8:])
	r.sealed = datagram[8+primitives.XNonceSize:]
	return r, true
}

// Open returns the cookie if the reply was made for a fragment 0 with mac1.
func (r *CookieReply) Open(key *primitives.Key, mac1 *primitives.Tag) (cookie primitives.Tag, ok bool) {
	plain, ok := primitives.XOpen(nil, key, &r.nonce, mac1[:], r.sealed)
	if !ok {
		return cookie, false
	}
	return primitives.Tag(plain), true
}

// BuildCookieReply answers the fragment 0 that had this sender index and mac1.
func BuildCookieReply(receiver Index, nonce *[primitives.XNonceSize]byte, key *primitives.Key, mac1, cookie *primitives.Tag) []byte {
	d := []byte{TypeCookieReply, 0, 0, 0}
	d = binary.LittleEndian.AppendUint32(d, receiver)
	d = append(d, nonce[:]...)
	return primitives.XSeal(d, key, nonce, mac1[:], cookie[:])
}

// MakeCookie is cookie = MAC(R, ip ‖ BE16(port)), an IPv4-mapped address
// counting as IPv4 (§3.3).
func MakeCookie(secret *primitives.Key, source netip.AddrPort) primitives.Tag {
	ip := source.Addr().Unmap().AsSlice()
	return primitives.MAC(secret[:], ip, binary.BigEndian.AppendUint16(nil, source.Port()))
}

// Mac1Key is HASH("mac1----" ‖ ID_r ‖ gk); gk is empty or 32 B (§3.1).
func Mac1Key(responderID *primitives.Key, gk []byte) primitives.Key {
	return primitives.Hash([]byte("mac1----"), responderID[:], gk)
}

// CookieKey is HASH("cookie--" ‖ ID_r ‖ gk) (§3.3).
func CookieKey(responderID *primitives.Key, gk []byte) primitives.Key {
	return primitives.Hash([]byte("cookie--"), responderID[:], gk)
}

func hasHeader(datagram []byte, kind byte) bool {
	return datagram[0] == kind && datagram[1] == 0 && datagram[2] == 0 && datagram[3] == 0
}
