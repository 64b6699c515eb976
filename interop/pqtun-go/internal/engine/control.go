package engine

import (
	"net/netip"
	"time"

	"pqtun-go/internal/wire"
)

// handleControl is §3.5.
func (e *Engine) handleControl(now Instant, from netip.AddrPort, p *Peer, payload []byte) {
	c, ok := wire.ParseControl(payload)
	if !ok {
		e.drop(DropControl)
		return
	}
	switch c.Kind {
	case wire.KindProbe:
		e.answer(now, p.endpoint, p, c)
	case wire.KindPathProbe:
		e.answer(now, from, p, c)
	case wire.KindAnswer:
		e.emit(Answer{Peer: p.cfg.Name, Token: c.Token, Length: c.Length})
	}
}

// answer sends at most 16 answers in any second and peer, under the current
// session.
func (e *Engine) answer(now Instant, to netip.AddrPort, p *Peer, probe wire.Control) {
	for len(p.answers) > 0 && now-p.answers[0] >= time.Second {
		p.answers = p.answers[1:]
	}
	if len(p.answers) >= answersPerSecond || !p.current.canSend() {
		e.drop(DropAnswerRate)
		return
	}
	p.answers = append(p.answers, now)
	e.sendTo(now, to, p.current, wire.BuildAnswer(probe.Token, probe.Length), sendOther)
}

// SendProbe sends a probe or path probe with a payload of size bytes. to is
// invalid for the peer's endpoint. It returns false without a session.
func (e *Engine) SendProbe(now Instant, name string, kind byte, token [8]byte, size int, to netip.AddrPort) bool {
	e.expire(now)
	p := e.byName[name]
	if p == nil || !p.current.canSend() {
		return false
	}
	if !to.IsValid() {
		to = p.endpoint
	}
	e.sendProbe(now, p, kind, token, size, to)
	return true
}

func (e *Engine) sendProbe(now Instant, p *Peer, kind byte, token [8]byte, size int, to netip.AddrPort) {
	payload := wire.BuildProbe(kind, token, size)
	counts := sendOther
	if kind == wire.KindProbe && len(payload) <= smallProbe {
		counts = sendProbe
	}
	e.sendTo(now, to, p.current, payload, counts)
}
