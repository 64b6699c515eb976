//go:build !linux

package main

import "time"

var started = time.Now()

// setDontFragment does nothing where we do not know how.
func setDontFragment(uintptr) {}

// bootTime is the monotonic clock of the process, which may stop in suspend.
func bootTime() time.Duration {
	return time.Since(started)
}
