package primitives

import (
	"bytes"
	"fmt"
	"testing"

	. "pqtun-go/internal/vectorfile"
)

func TestHashGivesTheAnswersOfTheBlake2Authors(t *testing.T) {
	var cases []struct{ In, Key, Out Hex }
	Load(t, "blake2s/blake2s-kat.json.gz", &cases)
	ran := 0
	for _, c := range cases {
		if len(c.Key) > 0 {
			continue
		}
		ran++
		if got := Hash(c.In); !bytes.Equal(got[:], c.Out) {
			t.Fatalf("HASH of %d B: %x", len(c.In), got)
		}
		half := len(c.In) / 2
		if got := Hash(c.In[:half], c.In[half:]); !bytes.Equal(got[:], c.Out) {
			t.Fatalf("HASH of %d B in two parts: %x", len(c.In), got)
		}
	}
	if ran != 256 {
		t.Fatalf("ran %d cases", ran)
	}
}

func TestMACIsKeyedBlake2sWithSixteenBytesOut(t *testing.T) {
	var file struct {
		Vectors []struct {
			Key, Mac16 Hex
			Rule       string `json:"message_rule"`
		}
	}
	Load(t, "blake2s/blake2s-mac16.json", &file)
	for _, c := range file.Vectors {
		var offset, length int
		if _, err := fmt.Sscanf(c.Rule, "byte i = (i*5+%d) mod 256, length %d", &offset, &length); err != nil {
			t.Fatal(err)
		}
		message := make([]byte, length)
		for i := range message {
			message[i] = byte(i*5 + offset)
		}
		if got := MAC(c.Key, message); !bytes.Equal(got[:], c.Mac16) {
			t.Fatalf("MAC, %s: %x", c.Rule, got)
		}
	}
	if len(file.Vectors) != 36 {
		t.Fatalf("ran %d cases", len(file.Vectors))
	}
}

func TestKDFIsHKDFOverBlake2s(t *testing.T) {
	type vector struct {
		Key, Input Hex
		Outputs    []Hex
	}
	var file struct {
		Go        []vector `json:"wireguard_go"`
		Generated []vector
	}
	Load(t, "hkdf/hkdf_blake2s.json", &file)
	cases := append(file.Go, file.Generated...)
	for i, c := range cases {
		a := KDF1(c.Key, c.Input)
		b1, b2 := KDF2(c.Key, c.Input)
		d1, d2, d3 := KDF3(c.Key, c.Input)
		want := func(got Key, n int) {
			if !bytes.Equal(got[:], c.Outputs[n]) {
				t.Fatalf("case %d output %d: %x", i, n, got)
			}
		}
		want(a, 0)
		want(b1, 0)
		want(b2, 1)
		want(d1, 0)
		want(d2, 1)
		want(d3, 2)
	}
	if len(cases) != 21 {
		t.Fatalf("ran %d cases", len(cases))
	}
}

func TestDHAgreesWithWycheproofAndRefusesTheZeroResult(t *testing.T) {
	var file struct {
		TestGroups []struct {
			Tests []struct{ Public, Private, Shared Hex }
		}
	}
	Load(t, "x25519/wycheproof_x25519.json.gz", &file)
	good, refused := 0, 0
	for _, g := range file.TestGroups {
		for _, c := range g.Tests {
			secret, public := Key(c.Private), Key(c.Public)
			got, ok := DH(&secret, &public)
			if zero := bytes.Equal(c.Shared, make([]byte, 32)); zero {
				refused++
				if ok {
					t.Fatalf("accepted %x", c.Public)
				}
				continue
			}
			good++
			if !ok || !bytes.Equal(got[:], c.Shared) {
				t.Fatalf("DH with %x: %x", c.Public, got)
			}
		}
	}
	if good != 487 || refused != 31 {
		t.Fatalf("ran %d good, %d refused", good, refused)
	}
}

func TestXAEADAgreesWithWycheproof(t *testing.T) {
	var file struct {
		TestGroups []struct {
			Tests []struct {
				Key, IV, AAD, Msg, CT, Tag Hex
				Result                     string
			}
		}
	}
	Load(t, "aead/wycheproof_xchacha20_poly1305.json.gz", &file)
	ran := 0
	for _, g := range file.TestGroups {
		for _, c := range g.Tests {
			if len(c.IV) != XNonceSize || len(c.Key) != 32 {
				continue
			}
			ran++
			key, nonce := Key(c.Key), [XNonceSize]byte(c.IV)
			sealed := append(append([]byte{}, c.CT...), c.Tag...)
			plain, ok := XOpen(nil, &key, &nonce, c.AAD, sealed)
			if ok != (c.Result == "valid") || ok && !bytes.Equal(plain, c.Msg) {
				t.Fatalf("open: %v, want %s", ok, c.Result)
			}
			if ok && !bytes.Equal(XSeal(nil, &key, &nonce, c.AAD, c.Msg), sealed) {
				t.Fatal("seal differs")
			}
		}
	}
	if ran < 246 {
		t.Fatalf("ran %d cases", ran)
	}
}

func TestStreamIsTheKeyStreamFromBlockZero(t *testing.T) {
	// RFC 8439 appendix A.1, test vector 1: zero key and nonce, counter 0.
	var key Key
	want := []byte{0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90, 0x40, 0x5d, 0x6a, 0xe5, 0x53, 0x86, 0xbd, 0x28}
	if got := Stream(&key, make([]byte, 16)); !bytes.Equal(got, want) {
		t.Fatalf("%x", got)
	}
	if back := Stream(&key, Stream(&key, want)); !bytes.Equal(back, want) {
		t.Fatal("STREAM is not its own inverse")
	}
}
