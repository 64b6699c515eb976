package vectors

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"pqtun-go/internal/derandom"
	"pqtun-go/internal/handshake"
	"pqtun-go/internal/suite"
	"pqtun-go/internal/timestamp"
	"pqtun-go/internal/wire"
)

// Handshake is one handshake with all its inputs, intermediate values,
// datagrams and records.
type Handshake struct {
	Name          string      `json:"name"`
	Suite         byte        `json:"suite"`
	Initiator     Party       `json:"initiator"`
	Responder     Party       `json:"responder"`
	PSK           Hex         `json:"psk"`
	DeploymentKey Hex         `json:"deploymentKey"`
	Chance        Chance      `json:"chance"`
	Steps         []Step      `json:"steps"`
	Body1         Hex         `json:"body1"`
	Body2         Hex         `json:"body2"`
	InitiationKey Hex         `json:"initiationKey"`
	Mac1Key       Hex         `json:"mac1Key"`
	CookieKey     Hex         `json:"cookieKey"`
	Datagrams     []Datagrams `json:"datagrams"`
	Cookies       []Cookie    `json:"cookies"`
	Records       []Record    `json:"records"`
}

// Party is a party's static keys.
type Party struct {
	PrivateKey   Hex `json:"privateKey"`
	KEMSeed      Hex `json:"kemSeed"`
	PublicKey    Hex `json:"publicKey"`
	KEMPublicKey Hex `json:"kemPublicKey"`
	ID           Hex `json:"id"`
}

// Chance is every random input of the handshake, and the timestamp.
type Chance struct {
	SenderI uint32 `json:"senderI"`
	EI      Hex    `json:"e_i"`
	SeedI   Hex    `json:"kemSeed_i"`
	M1      Hex    `json:"m_k1"`
	TS      Hex    `json:"ts"`
	SenderR uint32 `json:"senderR"`
	ER      Hex    `json:"e_r"`
	M2      Hex    `json:"m_k2"`
	M3      Hex    `json:"m_k3"`
}

// Step is one value of the key schedule under its label.
type Step struct {
	Step  string `json:"step"`
	Name  string `json:"name"`
	Value Hex    `json:"value"`
}

// Datagrams are the fragments for one M of both parties, without mac2.
type Datagrams struct {
	LargestDatagram int   `json:"largestDatagram"`
	Initiation      []Hex `json:"initiation"`
	Response        []Hex `json:"response"`
}

func makeHandshake(s *suite.Suite, withPSK, withGK bool) (*Handshake, error) {
	name := fmt.Sprintf("suite %d%s%s", s.Byte, optionally(withPSK, ", psk"), optionally(withGK, ", deployment key"))
	h := &Handshake{Name: name, Suite: s.Byte, PSK: make([]byte, 32), DeploymentKey: Hex{}}
	if withPSK {
		h.PSK = fixed(name, "psk", 32)
	}
	if withGK {
		h.DeploymentKey = fixed(name, "deploymentKey", 32)
	}
	initiator, responder := makeParty(s, name, "initiator", &h.Initiator), makeParty(s, name, "responder", &h.Responder)
	h.Chance = makeChance(name)
	keys, responseKey, err := h.run(s, initiator, responder)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	mac1Key, cookieKey := wire.Mac1Key(&responder.ID, h.DeploymentKey), wire.CookieKey(&responder.ID, h.DeploymentKey)
	initiationKey := handshake.InitiationKey(s, h.Chance.SenderI, h.Body1)
	h.Mac1Key, h.CookieKey, h.InitiationKey = mac1Key[:], cookieKey[:], initiationKey[:]
	for _, largest := range []int{wire.DefaultDatagram, wire.MinDatagram} {
		h.Datagrams = append(h.Datagrams, h.cut(s, largest, responseKey))
	}
	h.Cookies = h.makeCookies(&cookieKey)
	h.Records = h.makeRecords(&keys)
	return h, nil
}

// run carries out the handshake on both sides and has them agree.
func (h *Handshake) run(s *suite.Suite, initiator, responder *handshake.Identity) (keys handshake.Keys, m2 []byte, err error) {
	c := &h.Chance
	psk := handshake.Key(h.PSK)
	source := h.source()
	in, body1, err := handshake.CreateInitiation(&source, initiator, &responder.Remote, &psk, timestamp.TS(c.TS), c.SenderI, h.record)
	if err != nil {
		return keys, nil, err
	}
	m2 = bytes.Clone(in.ResponseKey()[:])
	claim, err := handshake.OpenInitiation(responder, c.SenderI, body1, nil)
	if err != nil {
		return keys, nil, err
	}
	accepted, err := claim.Authenticate(&initiator.Remote, &psk)
	if err != nil {
		return keys, nil, err
	}
	accepted.Trace(h.record)
	body2, keys, err := accepted.Respond(&source, c.SenderR)
	if err != nil {
		return keys, nil, err
	}
	ours, err := in.ConsumeResponse(c.SenderR, body2, nil)
	if err == nil && (ours != keys || !bytes.Equal(m2, accepted.ResponseKey[:])) {
		err = errors.New("the two sides differ")
	}
	h.Body1, h.Body2 = body1, body2
	return keys, m2, err
}

func (h *Handshake) record(step, name string, value []byte) {
	h.Steps = append(h.Steps, Step{step, name, bytes.Clone(value)})
}

// source yields the random inputs in the order in which the handshake draws
// them.
func (h *Handshake) source() handshake.Source {
	c := &h.Chance
	ms := [][]byte{c.M1, c.M2, c.M3}
	return handshake.Source{
		Random: io.MultiReader(bytes.NewReader(c.EI), bytes.NewReader(c.SeedI), bytes.NewReader(c.ER)),
		Encapsulate: func(s *suite.Suite, key []byte) (shared, ciphertext []byte, err error) {
			m := [32]byte(ms[0])
			ms = ms[1:]
			return derandom.Encapsulate(s, key, &m)
		},
	}
}

func (h *Handshake) cut(s *suite.Suite, largest int, responseKey []byte) Datagrams {
	c := &h.Chance
	initiation := wire.InitiationGeometry(s, largest)
	response := wire.ResponseGeometry(initiation, largest)
	return Datagrams{
		LargestDatagram: largest,
		Initiation:      toHex(wire.Split(initiation, c.SenderI, 0, h.Body1, h.Mac1Key)),
		Response:        toHex(wire.Split(response, c.SenderR, c.SenderI, h.Body2, responseKey)),
	}
}

func makeParty(s *suite.Suite, name, role string, p *Party) *handshake.Identity {
	p.PrivateKey, p.KEMSeed = fixed(name, role+" privateKey", 32), fixed(name, role+" kemSeed", 64)
	id := handshake.NewIdentity(s, &handshake.Statics{Secret: handshake.Key(p.PrivateKey), Seed: [64]byte(p.KEMSeed)})
	p.PublicKey, p.KEMPublicKey, p.ID = id.Public[:], id.KEMPublic, id.ID[:]
	return id
}

func makeChance(name string) Chance {
	ts := timestamp.At(time.Unix(1_800_000_000, 123_456_789))
	return Chance{
		SenderI: binary.LittleEndian.Uint32(fixed(name, "senderI", 4)),
		EI:      fixed(name, "e_i", 32),
		SeedI:   fixed(name, "kemSeed_i", 64),
		M1:      fixed(name, "m_k1", 32),
		TS:      ts[:],
		SenderR: binary.LittleEndian.Uint32(fixed(name, "senderR", 4)),
		ER:      fixed(name, "e_r", 32),
		M2:      fixed(name, "m_k2", 32),
		M3:      fixed(name, "m_k3", 32),
	}
}

func optionally(yes bool, text string) string {
	if yes {
		return text
	}
	return ""
}

func toHex(datagrams [][]byte) (out []Hex) {
	for _, d := range datagrams {
		out = append(out, d)
	}
	return out
}
