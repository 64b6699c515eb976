package main

import (
	"syscall"
	"time"
	"unsafe"
)

// From linux/in.h, linux/in6.h and linux/time.h; package syscall lacks them.
const (
	ipMTUDiscover   = 10
	ipv6MTUDiscover = 23
	pmtuProbe       = 3 // DF set, the cached path MTU not asked: probes must get out
	clockBoottime   = 7
)

// setDontFragment sets DF for both families; a socket of one family refuses the
// other's option.
func setDontFragment(fd uintptr) {
	syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IP, ipMTUDiscover, pmtuProbe)
	syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IPV6, ipv6MTUDiscover, pmtuProbe)
}

// bootTime is CLOCK_BOOTTIME, which does not stop in suspend (§5.3).
func bootTime() time.Duration {
	var ts syscall.Timespec
	_, _, errno := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, clockBoottime, uintptr(unsafe.Pointer(&ts)), 0)
	if errno != 0 {
		panic("pqtun-go: no CLOCK_BOOTTIME: " + errno.Error())
	}
	return time.Duration(ts.Nano())
}
