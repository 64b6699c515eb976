package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"time"

	"pqtun-go/internal/engine"
	"pqtun-go/internal/wire"
)

// command is one JSON line from stdin. do is one of
//
//	send      peer, packet (hex)             an inner packet
//	initiate  peer                           a handshake now
//	probe     peer, token (hex 8 B), size, kind ("probe" or "path"), to
//	counter   peer, value (decimal string)   the current session's next counter
//	clock     offset (Go duration)           moves the wall clock
//	load      on                             under load
//	faults    faults                         as in the configuration
//	rebind    listen                         a new socket: the local address changed
//	stats                                    counters and peers
//	quit                                     also at the end of stdin
type command struct {
	Do     string   `json:"do"`
	Peer   string   `json:"peer"`
	Packet hexBytes `json:"packet"`
	Token  hexBytes `json:"token"`
	Size   int      `json:"size"`
	Kind   string   `json:"kind"`
	To     string   `json:"to"`
	Value  uint64   `json:"value,string"`
	Offset string   `json:"offset"`
	On     bool     `json:"on"`
	Listen string   `json:"listen"`
	Faults faults   `json:"faults"`

	malformed error
}

// readCommands parses stdin line by line and closes the channel at its end.
func readCommands(in io.Reader, commands chan<- command) {
	defer close(commands)
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if len(lines.Bytes()) == 0 {
			continue
		}
		var c command
		c.malformed = json.Unmarshal(lines.Bytes(), &c)
		commands <- c
	}
}

// obey carries out a command; what cannot be done is an error event.
func (ep *endpoint) obey(c command) {
	err := c.malformed
	if err == nil {
		err = ep.carryOut(c)
	}
	if err != nil {
		ep.emit(event{Event: "error", Peer: c.Peer, Text: err.Error()})
	}
}

func (ep *endpoint) carryOut(c command) error {
	now := ep.now()
	switch c.Do {
	case "send":
		if !ep.engine.SendPacket(now, c.Peer, c.Packet) {
			return fmt.Errorf("send: no such peer, or no IP packet")
		}
	case "initiate":
		ep.engine.Initiate(now, c.Peer)
	case "probe":
		return ep.probe(now, c)
	case "counter":
		if !ep.engine.SetSendCounter(c.Peer, c.Value) {
			return fmt.Errorf("counter: no session, or a counter that was used")
		}
	case "clock":
		offset, err := time.ParseDuration(c.Offset)
		ep.wallOffset = offset
		return err
	case "load":
		ep.engine.SetLoad(c.On)
	case "faults":
		ep.link.faults = c.Faults
		ep.engine.SetLoad(c.Faults.ForceCookies)
	case "rebind":
		return ep.rebind(now, c.Listen)
	case "stats":
		ep.emit(ep.statsEvent("stats"))
	default:
		return fmt.Errorf("unknown command %q", c.Do)
	}
	return nil
}

func (ep *endpoint) probe(now engine.Instant, c command) (err error) {
	kind := byte(wire.KindProbe)
	if c.Kind == "path" {
		kind = wire.KindPathProbe
	}
	var to netip.AddrPort
	if c.To != "" {
		if to, err = netip.ParseAddrPort(c.To); err != nil {
			return err
		}
	}
	var token [8]byte
	if err := c.Token.copyTo(token[:], "token", false); err != nil {
		return err
	}
	if !ep.engine.SendProbe(now, c.Peer, kind, token, c.Size, to) {
		return fmt.Errorf("probe: no session")
	}
	return nil
}

func (ep *endpoint) rebind(now engine.Instant, listen string) error {
	if listen == "" {
		listen = netip.AddrPortFrom(ep.link.local().Addr(), 0).String()
	}
	fresh, err := openLink(listen, ep.arrivals, ep.link.faults)
	if err != nil {
		return err
	}
	ep.link.close()
	ep.link = fresh
	ep.engine.LocalAddressChanged(now)
	ep.emit(readyEvent(fresh.local(), ep.engine))
	return nil
}
