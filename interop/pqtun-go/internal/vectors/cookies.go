package vectors

import (
	"net/netip"

	"pqtun-go/internal/primitives"
	"pqtun-go/internal/wire"
)

// Cookie is a cookie reply to fragment 0 of the initiation with the default M,
// and the initiation sent again with mac2.
type Cookie struct {
	Source      string `json:"source"`
	SourceBytes Hex    `json:"sourceBytes"`
	Secret      Hex    `json:"secret"` // R
	Cookie      Hex    `json:"cookie"`
	Nonce       Hex    `json:"nonce"`
	Reply       Hex    `json:"reply"`
	Initiation  []Hex  `json:"initiation"`
}

func (h *Handshake) makeCookies(cookieKey *primitives.Key) (out []Cookie) {
	for _, c := range []struct {
		source string
		bytes  []byte // written out by hand: the vector is not to believe MakeCookie
	}{
		{"192.0.2.1:51820", []byte{192, 0, 2, 1, 0xca, 0x6c}},
		{"[::ffff:192.0.2.1]:51820", []byte{192, 0, 2, 1, 0xca, 0x6c}},
		{"[2001:db8::1]:443", []byte{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x01, 0xbb}},
	} {
		secret := fixed(h.Name, "R "+c.source, 32)
		nonce := [primitives.XNonceSize]byte(fixed(h.Name, "nonce "+c.source, primitives.XNonceSize))
		cookie := wire.MakeCookie((*primitives.Key)(secret), netip.MustParseAddrPort(c.source))
		if cookie != primitives.MAC(secret, c.bytes) {
			panic("vectors: source bytes of " + c.source)
		}
		first := h.Datagrams[0].Initiation[0]
		mac1 := primitives.Tag(first[len(first)-2*wire.MacSize:])
		v := Cookie{
			Source: c.source, SourceBytes: c.bytes, Secret: secret, Cookie: cookie[:], Nonce: nonce[:],
			Reply: wire.BuildCookieReply(h.Chance.SenderI, &nonce, cookieKey, &mac1, &cookie),
		}
		for _, d := range h.Datagrams[0].Initiation {
			v.Initiation = append(v.Initiation, wire.WithMac2(d, &cookie))
		}
		out = append(out, v)
	}
	return out
}
