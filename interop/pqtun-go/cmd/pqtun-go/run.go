package main

import (
	"crypto/rand"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"time"

	"pqtun-go/internal/engine"
	"pqtun-go/internal/handshake"
)

// endpoint is the running program: one engine, one link, one event loop.
type endpoint struct {
	cfg        *config
	engine     *engine.Engine
	link       *link
	arrivals   chan arrival
	commands   chan command
	out        *json.Encoder
	origin     time.Duration
	wallOffset time.Duration
}

// run is the command of that name.
func run(args []string, in io.Reader, out io.Writer) error {
	cfg, err := runConfig(args)
	if err != nil {
		return err
	}
	ep := &endpoint{
		cfg:      cfg,
		arrivals: make(chan arrival, 1024),
		commands: make(chan command, 16),
		out:      json.NewEncoder(out),
		origin:   bootTime(),
	}
	if err := ep.start(); err != nil {
		return err
	}
	go readCommands(in, ep.commands)
	ep.loop()
	return nil
}

// runConfig reads the file and lays the flags over it.
func runConfig(args []string) (*config, error) {
	flags := flag.NewFlagSet("run", flag.ContinueOnError)
	path := flags.String("config", "", "configuration file (JSON)")
	listen := flags.String("listen", "", "address and port to bind")
	largest := flags.Int("max-datagram", 0, "M of §3.1, 508 to 1452")
	scale := flags.Float64("clock-scale", 0, "how much faster the protocol's clock runs")
	drop := flags.Int("drop-every", 0, "lose every nth outgoing datagram")
	reorder := flags.Int("reorder-every", 0, "let every nth outgoing datagram be overtaken")
	duplicate := flags.Int("duplicate-every", 0, "send every nth outgoing datagram twice")
	cookies := flags.Bool("force-cookies", false, "be under load for good")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	cfg, err := loadConfig(*path)
	if err != nil {
		return nil, err
	}
	override(&cfg.Listen, *listen)
	override(&cfg.LargestDatagram, *largest)
	override(&cfg.ClockScale, *scale)
	override(&cfg.Faults.DropEvery, *drop)
	override(&cfg.Faults.ReorderEvery, *reorder)
	override(&cfg.Faults.DuplicateEvery, *duplicate)
	override(&cfg.Faults.ForceCookies, *cookies)
	if cfg.ClockScale <= 0 {
		return nil, fmt.Errorf("clockScale: %v, want more than 0", cfg.ClockScale)
	}
	return cfg, nil
}

func override[T comparable](value *T, by T) {
	var none T
	if by != none {
		*value = by
	}
}

// start makes the engine with its peers and binds the socket.
func (ep *endpoint) start() error {
	cfg, err := ep.engineConfig()
	if err != nil {
		return err
	}
	if ep.engine, err = engine.New(ep.now(), cfg); err != nil {
		return err
	}
	for i := range ep.cfg.Peers {
		peer, err := ep.cfg.Peers[i].engineConfig()
		if err == nil {
			err = ep.engine.AddPeer(ep.now(), peer)
		}
		if err != nil {
			return fmt.Errorf("peer %s: %w", ep.cfg.Peers[i].Name, err)
		}
	}
	ep.engine.SetLoad(ep.cfg.Faults.ForceCookies)
	if ep.link, err = openLink(ep.cfg.Listen, ep.arrivals, ep.cfg.Faults); err != nil {
		return err
	}
	ep.emit(readyEvent(ep.link.local(), ep.engine))
	return nil
}

func (ep *endpoint) engineConfig() (out engine.Config, err error) {
	out = engine.Config{
		LargestDatagram: ep.cfg.LargestDatagram,
		TunnelMTU:       ep.cfg.MTU,
		Wall:            func(engine.Instant) time.Time { return time.Now().Add(ep.wallOffset) },
		Source:          handshake.SystemSource(rand.Reader),
		Limits:          engine.DefaultLimits(),
	}
	if out.Statics, err = ep.cfg.statics(); err != nil {
		return out, err
	}
	if out.Suites, err = ep.cfg.suites(); err != nil {
		return out, err
	}
	if out.DeploymentKeys, err = ep.cfg.deploymentKeys(); err != nil {
		return out, err
	}
	if ep.cfg.StateFile != "" {
		file := stateFile(ep.cfg.StateFile)
		out.StoreTS = file.store
		out.LastTS, err = file.load()
	}
	return out, err
}

// now is the protocol's clock: boot time since the start, scaled.
func (ep *endpoint) now() engine.Instant {
	return engine.Instant(float64(bootTime()-ep.origin) * ep.cfg.ClockScale)
}

// loop runs until quit or the end of the commands.
func (ep *endpoint) loop() {
	timer := time.NewTimer(0)
	for {
		ep.drain()
		timer.Reset(ep.untilNext())
		select {
		case a := <-ep.arrivals:
			ep.engine.HandleDatagram(ep.now(), a.from, a.data)
		case c, open := <-ep.commands:
			if !open || c.Do == "quit" {
				ep.stop()
				return
			}
			ep.obey(c)
		case <-timer.C:
			ep.link.release()
			ep.engine.Advance(ep.now())
		}
	}
}

// untilNext is the real time to the engine's next deadline, or less where a
// datagram is held back.
func (ep *endpoint) untilNext() time.Duration {
	wait := time.Hour
	if left := ep.engine.NextDeadline() - ep.now(); float64(left)/ep.cfg.ClockScale < float64(wait) {
		wait = max(0, time.Duration(float64(left)/ep.cfg.ClockScale))
	}
	if len(ep.link.held) > 0 {
		wait = min(wait, heldBack)
	}
	return wait
}

func (ep *endpoint) drain() {
	for _, o := range ep.engine.Poll() {
		if t, ok := o.(engine.Transmit); ok {
			ep.link.send(t.To, t.Datagram)
			continue
		}
		ep.emit(outputEvent(o))
	}
}

func (ep *endpoint) stop() {
	ep.engine.Close()
	ep.drain()
	ep.emit(ep.statsEvent("bye"))
	ep.link.close()
}

func (ep *endpoint) emit(e event) {
	ep.out.Encode(e) // a reader that went away ends the commands too
}
