package main

import (
	"context"
	"errors"
	"net"
	"syscall"
)

// listenUDP binds a socket whose datagrams go out with DF where the platform
// allows it (§3.1).
func listenUDP(listen string) (*net.UDPConn, error) {
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) { setDontFragment(fd) })
	}}
	conn, err := lc.ListenPacket(context.Background(), "udp", listen)
	if err != nil {
		return nil, err
	}
	return conn.(*net.UDPConn), nil // the kind of "udp"
}

func isClosed(err error) bool {
	return errors.Is(err, net.ErrClosed)
}
