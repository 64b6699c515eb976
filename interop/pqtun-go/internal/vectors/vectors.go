// Package vectors makes test/vectors/pqtun-v1.json. Its format is described in
// test/vectors/pqtun-v1.md.
package vectors

import (
	"encoding/hex"
	"encoding/json"
	"io"

	"pqtun-go/internal/primitives"
	"pqtun-go/internal/suite"
)

// File is the whole of pqtun-v1.json.
type File struct {
	Protocol   string          `json:"protocol"`
	Licence    string          `json:"licence"`
	Generator  string          `json:"generator"`
	Handshakes []Handshake     `json:"handshakes"`
	Timestamps []Timestamp     `json:"timestamps"`
	Successors []NextTimestamp `json:"nextTimestamps"`
	Geometry   []Cut           `json:"geometry"`
}

// Hex is a byte string, lower-case hex in JSON.
type Hex []byte

// MarshalJSON writes hex.
func (h Hex) MarshalJSON() ([]byte, error) {
	return json.Marshal(hex.EncodeToString(h))
}

// Make computes every vector. It depends on nothing but the code.
func Make() (*File, error) {
	f := &File{
		Protocol:   "pqtun v1",
		Licence:    "Apache-2.0",
		Generator:  "interop/pqtun-go, command vectors",
		Timestamps: timestamps(),
		Successors: nextTimestamps(),
		Geometry:   geometry(),
	}
	for _, s := range []*suite.Suite{suite.One, suite.Two} {
		for _, psk := range []bool{false, true} {
			for _, gk := range []bool{false, true} {
				h, err := makeHandshake(s, psk, gk)
				if err != nil {
					return nil, err
				}
				f.Handshakes = append(f.Handshakes, *h)
			}
		}
	}
	return f, nil
}

// Write writes the file.
func Write(out io.Writer) error {
	f, err := Make()
	if err != nil {
		return err
	}
	e := json.NewEncoder(out)
	e.SetIndent("", " ")
	return e.Encode(f)
}

// fixed is n bytes that stand for chance: HASH("pqtun-v1 vector" ‖ case ‖ "/" ‖
// name ‖ block) for block = 0, 1, … of one byte.
func fixed(name, field string, n int) []byte {
	var out []byte
	for block := byte(0); len(out) < n; block++ {
		h := primitives.Hash([]byte("pqtun-v1 vector"), []byte(name), []byte("/"), []byte(field), []byte{block})
		out = append(out, h[:]...)
	}
	return out[:n]
}
