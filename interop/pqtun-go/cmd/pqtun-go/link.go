package main

import (
	"net"
	"net/netip"
	"time"
)

// heldBack is how long a reordered datagram waits for one to overtake it.
const heldBack = 20 * time.Millisecond

// arrival is a datagram from the network.
type arrival struct {
	from netip.AddrPort
	data []byte
}

// link is the UDP socket with the faults asked for.
type link struct {
	conn     *net.UDPConn
	arrivals chan arrival
	faults   faults
	sent     int
	held     []func()
}

// openLink binds and starts reading into arrivals.
func openLink(listen string, arrivals chan arrival, f faults) (*link, error) {
	conn, err := listenUDP(listen)
	if err != nil {
		return nil, err
	}
	l := &link{conn: conn, arrivals: arrivals, faults: f}
	go l.read()
	return l, nil
}

// read ends when the socket is closed; no other error ends it.
func (l *link) read() {
	buffer := make([]byte, 65536)
	for {
		n, from, err := l.conn.ReadFromUDPAddrPort(buffer)
		if isClosed(err) {
			return
		}
		if err != nil {
			continue // an ICMP error of an earlier datagram
		}
		l.arrivals <- arrival{from: from, data: append([]byte(nil), buffer[:n]...)}
	}
}

// send passes a datagram through the faults. What the system refuses is lost,
// as on any network.
func (l *link) send(to netip.AddrPort, data []byte) {
	l.sent++
	if every(l.faults.DropEvery, l.sent) {
		return
	}
	out := func() { l.conn.WriteToUDPAddrPort(data, to) }
	if every(l.faults.ReorderEvery, l.sent) {
		l.held = append(l.held, out)
		return
	}
	out()
	if every(l.faults.DuplicateEvery, l.sent) {
		out()
	}
	l.release()
}

// release sends what was held back; to be called heldBack after a send at the
// latest.
func (l *link) release() {
	for _, out := range l.held {
		out()
	}
	l.held = nil
}

func (l *link) close() {
	l.release()
	l.conn.Close()
}

func (l *link) local() netip.AddrPort {
	return l.conn.LocalAddr().(*net.UDPAddr).AddrPort() // a UDPConn has no other kind
}

func every(n, count int) bool {
	return n > 0 && count%n == 0
}
