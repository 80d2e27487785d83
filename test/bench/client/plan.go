package main

import (
	"fmt"
	"slices"
	"strings"
)

// plan is how much is measured.
type plan struct {
	quick           bool
	rounds          int
	claims          int // of the bursts; shared devices, because the reference publishes at most 128
	cycles          int
	throttledCycles int
	growthCycles    int
	cpuCycles       int
	scales          []int // devices and claims of one node
	parts           []string
}

// partNames in the order in which they are measured: memory before anything else has left its traces, and what may fail last.
var partNames = []string{"start", "memory", "latency", "burst", "growth", "cpu", "one-call", "reads", "scale", "size"}

// mostDevices is what the reference can publish.
const mostDevices = 128

func newPlan(quick bool, rounds, claims int, only string) (plan, error) {
	p := plan{quick: quick, rounds: rounds, claims: claims, cycles: 300, throttledCycles: 40, growthCycles: 200,
		cpuCycles: 1000, scales: []int{100, 1000}, parts: partNames}
	if quick {
		p.cycles, p.throttledCycles, p.growthCycles, p.cpuCycles = 100, 15, 50, 256
	}
	if rounds == 0 {
		p.rounds = 5
		if quick {
			p.rounds = 1
		}
	}
	if only != "" {
		p.parts = strings.Split(only, ",")
	}
	for _, part := range p.parts {
		if !slices.Contains(partNames, part) {
			return plan{}, fmt.Errorf("no part %q; there are: %s", part, strings.Join(partNames, ", "))
		}
	}
	if claims < fewClaims {
		return plan{}, fmt.Errorf("at least %d claims are needed", fewClaims)
	}
	return p, nil
}

func (p plan) has(part string) bool { return slices.Contains(p.parts, part) }

// shared tells whether there are more claims than devices.
func (p plan) shared() bool { return p.claims > mostDevices }

// slowParts tells whether to measure what takes minutes with the reference's defaults, and always comes out the same.
func (p plan) slowParts(round int) bool { return !p.quick && round == 0 }

type shape struct{ claims, callers int }

func (s shape) String() string { return fmt.Sprintf("%d/%d", s.claims, s.callers) }

// mainShape is the burst that the targets are about.
var mainShape = shape{100, manyCallers}

// bursts are the shapes to measure.
func (p plan) bursts(v variant, round, most int) []shape {
	if v.throttled && !p.slowParts(round) {
		return []shape{{min(mainShape.claims, most), mainShape.callers}}
	}
	var all []shape
	for _, claims := range []int{10, 50, 100, 256} {
		for _, callers := range []int{1, fewCallers, manyCallers} {
			if claims <= most {
				all = append(all, shape{claims, callers})
			}
		}
	}
	return all
}
