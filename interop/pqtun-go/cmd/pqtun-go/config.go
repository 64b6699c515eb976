package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"time"

	"pqtun-go/internal/engine"
	"pqtun-go/internal/handshake"
	"pqtun-go/internal/suite"
	"pqtun-go/internal/wire"
)

// config is the JSON file of run. Keys are hex; absent ones are as in
// protocol.md §2: no pre-shared key, no deployment key.
type config struct {
	Listen          string       `json:"listen"`
	PrivateKey      hexBytes     `json:"privateKey"` // s, 32 B
	KEMSeed         hexBytes     `json:"kemSeed"`    // d ‖ z, 64 B
	Suites          []byte       `json:"suites"`     // accepted as responder; default both
	DeploymentKeys  []hexBytes   `json:"deploymentKeys"`
	LargestDatagram int          `json:"largestDatagram"`
	MTU             int          `json:"mtu"`
	StateFile       string       `json:"stateFile"` // ceiling of C6; "" keeps it in memory
	ClockScale      float64      `json:"clockScale"`
	Faults          faults       `json:"faults"`
	Peers           []peerConfig `json:"peers"`
}

// faults are what the program does to its own datagrams and load.
type faults struct {
	DropEvery      int  `json:"dropEvery"`      // every nth outgoing datagram is lost
	ReorderEvery   int  `json:"reorderEvery"`   // every nth goes out after the one that follows it
	DuplicateEvery int  `json:"duplicateEvery"` // every nth goes out twice
	ForceCookies   bool `json:"forceCookies"`   // under load for good
}

type peerConfig struct {
	Name                string         `json:"name"`
	Suite               byte           `json:"suite"`
	PublicKey           hexBytes       `json:"publicKey"`
	KEMPublicKey        hexBytes       `json:"kemPublicKey"`
	PSK                 hexBytes       `json:"psk"`
	DeploymentKey       hexBytes       `json:"deploymentKey"`
	Endpoint            string         `json:"endpoint"`
	AllowedIPs          []netip.Prefix `json:"allowedIPs"`
	PersistentKeepalive float64        `json:"persistentKeepalive"` // seconds of the scaled clock
	Profile             string         `json:"profile"`
}

var everything = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}

// loadConfig reads the file and fills in the defaults.
func loadConfig(path string) (*config, error) {
	c := &config{Listen: "127.0.0.1:0", Suites: []byte{1, 2}, LargestDatagram: wire.DefaultDatagram, MTU: 1420, ClockScale: 1}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data, c); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(c.Peers) == 1 && len(c.Peers[0].AllowedIPs) == 0 {
		c.Peers[0].AllowedIPs = everything // one peer leaves nothing to tell apart
	}
	return c, nil
}

// statics checks the lengths of the party's own secrets.
func (c *config) statics() (s handshake.Statics, err error) {
	if err := c.PrivateKey.copyTo(s.Secret[:], "privateKey", false); err != nil {
		return s, err
	}
	return s, c.KEMSeed.copyTo(s.Seed[:], "kemSeed", false)
}

func (c *config) suites() (out []*suite.Suite, err error) {
	for _, b := range c.Suites {
		s := suite.ByByte(b)
		if s == nil {
			return nil, fmt.Errorf("suites: %d is none, want 1 or 2", b)
		}
		out = append(out, s)
	}
	return out, nil
}

func (c *config) deploymentKeys() (out [][]byte, err error) {
	for _, k := range c.DeploymentKeys {
		if len(k) != 0 && len(k) != 32 {
			return nil, fmt.Errorf("deploymentKeys: %d B, want 32 or none", len(k))
		}
		out = append(out, k)
	}
	return out, nil
}

// engineConfig turns one peer of the file into the engine's.
func (p *peerConfig) engineConfig() (out engine.PeerConfig, err error) {
	out = engine.PeerConfig{Name: p.Name, Suite: suite.One, AllowedIPs: p.AllowedIPs, KEMPublic: p.KEMPublicKey, DeploymentKey: p.DeploymentKey}
	if p.Suite != 0 {
		out.Suite = suite.ByByte(p.Suite)
	}
	if out.Suite == nil {
		return out, fmt.Errorf("peer %s: suite %d is none, want 1 or 2", p.Name, p.Suite)
	}
	if err := p.PublicKey.copyTo(out.Public[:], "publicKey", false); err != nil {
		return out, err
	}
	if err := p.PSK.copyTo(out.PSK[:], "psk", true); err != nil {
		return out, err
	}
	if n := len(p.DeploymentKey); n != 0 && n != 32 {
		return out, fmt.Errorf("peer %s: deploymentKey of %d B, want 32 or none", p.Name, n)
	}
	if p.Endpoint != "" {
		if out.Endpoint, err = netip.ParseAddrPort(p.Endpoint); err != nil {
			return out, err
		}
	}
	out.PersistentKeepalive = time.Duration(p.PersistentKeepalive * float64(time.Second))
	switch p.Profile {
	case "", "standard":
		out.Profile = engine.Standard
	case "metered":
		out.Profile = engine.Metered
	default:
		return out, fmt.Errorf("peer %s: profile %q, want standard or metered", p.Name, p.Profile)
	}
	return out, nil
}

// hexBytes is a byte string written as hex.
type hexBytes []byte

// UnmarshalJSON reads a hex string.
func (h *hexBytes) UnmarshalJSON(text []byte) error {
	var s string
	if err := json.Unmarshal(text, &s); err != nil {
		return err
	}
	b, err := hex.DecodeString(s)
	*h = b
	return err
}

func (h hexBytes) copyTo(dst []byte, name string, optional bool) error {
	if optional && len(h) == 0 {
		return nil
	}
	if len(h) != len(dst) {
		return fmt.Errorf("%s: %d B, want %d", name, len(h), len(dst))
	}
	copy(dst, h)
	return nil
}
