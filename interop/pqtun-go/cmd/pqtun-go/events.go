package main

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"

	"pqtun-go/internal/engine"
	"pqtun-go/internal/suite"
)

// event is one JSON line to stdout.
type event struct {
	Event string `json:"event"`
	Peer  string `json:"peer,omitempty"`

	// ready
	Listen string            `json:"listen,omitempty"`
	IDs    map[string]string `json:"ids,omitempty"`

	// established
	Role     string `json:"role,omitempty"`
	Suite    byte   `json:"suite,omitempty"`
	Previous bool   `json:"previous,omitempty"`
	Local    string `json:"local,omitempty"`
	Remote   string `json:"remote,omitempty"`

	// packet, answer, moved
	Packet   string `json:"packet,omitempty"`
	Token    string `json:"token,omitempty"`
	Length   int    `json:"length,omitempty"`
	Endpoint string `json:"endpoint,omitempty"`

	// stats, bye
	Drops map[engine.Drop]uint64 `json:"drops,omitempty"`
	Peers map[string]peerStats   `json:"peers,omitempty"`

	// error, alarm
	Text string `json:"text,omitempty"`
}

type peerStats struct {
	Endpoint    string  `json:"endpoint"`
	Current     bool    `json:"current"`
	Previous    bool    `json:"previous"`
	Next        int     `json:"next"`
	Trying      bool    `json:"trying"`
	Staged      int     `json:"staged"`
	Role        string  `json:"role,omitempty"`
	SendCounter string  `json:"sendCounter"`
	AgeSeconds  float64 `json:"ageSeconds"`
}

func readyEvent(listen netip.AddrPort, e *engine.Engine) event {
	ids := map[string]string{}
	for _, s := range []*suite.Suite{suite.One, suite.Two} {
		if id := e.Identity(s); id != nil {
			ids[strconv.Itoa(int(s.Byte))] = hex.EncodeToString(id.ID[:])
		}
	}
	return event{Event: "ready", Listen: listen.String(), IDs: ids}
}

func outputEvent(o engine.Output) event {
	switch o := o.(type) {
	case engine.Deliver:
		return event{Event: "packet", Peer: o.Peer, Packet: hex.EncodeToString(o.Packet)}
	case engine.Established:
		return event{
			Event: "established", Peer: o.Peer, Role: string(o.Role), Suite: o.Suite, Previous: o.Previous,
			Local: fmt.Sprintf("%08x", o.Local), Remote: fmt.Sprintf("%08x", o.Remote),
		}
	case engine.Answer:
		return event{Event: "answer", Peer: o.Peer, Token: hex.EncodeToString(o.Token[:]), Length: o.Length}
	case engine.EndpointMoved:
		return event{Event: "moved", Peer: o.Peer, Endpoint: o.Endpoint.String()}
	case engine.GaveUp:
		return event{Event: "gave-up", Peer: o.Peer}
	case engine.Alarm:
		return event{Event: "alarm", Text: o.Text}
	}
	panic(fmt.Sprintf("pqtun-go: no event for %T", o))
}

func (ep *endpoint) statsEvent(name string) event {
	e := event{Event: name, Drops: ep.engine.Drops(), Peers: map[string]peerStats{}}
	for _, p := range ep.cfg.Peers {
		st := ep.engine.Peer(p.Name).Status(ep.now())
		stats := peerStats{
			Current: st.Current, Previous: st.Previous, Next: st.Next, Trying: st.Trying, Staged: st.Staged,
			Role: string(st.Role), SendCounter: strconv.FormatUint(st.SendCounter, 10), AgeSeconds: st.Age.Seconds(),
		}
		if st.Endpoint.IsValid() {
			stats.Endpoint = st.Endpoint.String()
		}
		e.Peers[p.Name] = stats
	}
	return e
}
