package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	mib          = "MiB"
	milliseconds = "ms"
	perSecond    = "claims/s"

	refill       = 2100 * time.Millisecond // until the reference's default throttle lets its full burst through again
	settle       = 3 * time.Second         // after the start, until nothing happens any more
	sampleMemory = 20 * time.Millisecond
	fewCallers   = 8
	manyCallers  = 32
	fewClaims    = 10
)

func inMilliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// session is one driver that runs, and the results that it adds to.
type session struct {
	*driver
	bench   *bench
	variant variant
	results results
	claims  []claim
}

// latency prepares and unprepares one claim after the other. It also compares with the reads of the claims, as the proxy
// timed them, and counts requests.
func (s *session) latency(ctx context.Context) error {
	cycles := s.bench.plan.cycles
	if s.variant.throttled {
		cycles = s.bench.plan.throttledCycles
	}
	requests, reads := 0, 0
	for i := range cycles {
		one := s.claims[i%len(s.claims)]
		s.bench.proxy.take()
		began := time.Now()
		answers, err := s.prepare(ctx, one)
		took := inMilliseconds(time.Since(began))
		if err != nil {
			return err
		}
		var read time.Duration
		for _, exchange := range s.bench.proxy.take() {
			if exchange.isOfPrepare() {
				requests++
			}
			if name, is := exchange.isClaimRead(); is && name == one.name {
				reads++
				read += exchange.end.Sub(exchange.begin)
			}
		}
		if err := s.cdi.checkPrepared([]claim{one}, answers); err != nil {
			return err
		}
		began = time.Now()
		err = s.unprepare(ctx, one)
		s.results.add("unprepare", milliseconds, inMilliseconds(time.Since(began)))
		s.results.add("prepare", milliseconds, took)
		s.results.add("read", milliseconds, inMilliseconds(read))
		s.results.add("own", milliseconds, took-inMilliseconds(read))
		if err := errors.Join(err, s.cdi.checkUnprepared([]claim{one})); err != nil {
			return err
		}
	}
	if reads == 0 {
		return fmt.Errorf("%s prepared claims without reading them: the proxy does not see its requests", s.variant.title)
	}
	s.results.add("requests", "requests/claim", float64(requests)/float64(cycles))
	return nil
}

// inParallel lets `callers` do the work on one claim after the other, and returns how long it took together.
func inParallel(claims []claim, callers int, work func(claim) error) (time.Duration, error) {
	queue := make(chan claim, len(claims))
	for _, one := range claims {
		queue <- one
	}
	close(queue)
	failures := make([]error, callers)
	var group sync.WaitGroup
	began := time.Now()
	for i := range callers {
		group.Go(func() {
			for one := range queue {
				if failures[i] = work(one); failures[i] != nil {
					return
				}
			}
		})
	}
	group.Wait()
	return time.Since(began), errors.Join(failures...)
}

// prepareAll is a burst: the calls of `callers` pods at a time. What came out is checked afterwards.
func (s *session) prepareAll(ctx context.Context, claims []claim, callers int) (time.Duration, error) {
	if s.variant.throttled {
		time.Sleep(refill)
	}
	var mutex sync.Mutex
	all := prepared{}
	took, err := inParallel(claims, callers, func(one claim) error {
		answers, err := s.prepare(ctx, one)
		mutex.Lock()
		defer mutex.Unlock()
		all[one.uid] = answers[one.uid]
		return err
	})
	if err != nil {
		return 0, err
	}
	return took, s.cdi.checkPrepared(claims, all)
}

func (s *session) unprepareAll(ctx context.Context, claims []claim, callers int) (time.Duration, error) {
	took, err := inParallel(claims, callers, func(one claim) error { return s.unprepare(ctx, one) })
	if err != nil {
		return 0, err
	}
	return took, s.cdi.checkUnprepared(claims)
}

// bursts measures each size with each number of callers.
func (s *session) bursts(ctx context.Context) error {
	for _, shape := range s.bench.plan.bursts(s.variant, s.bench.round, len(s.claims)) {
		claims := s.claims[:shape.claims]
		prepare, err := s.prepareAll(ctx, claims, shape.callers)
		if err != nil {
			return err
		}
		unprepare, err := s.unprepareAll(ctx, claims, shape.callers)
		if err != nil {
			return err
		}
		count := float64(len(claims))
		s.results.add("burst/"+shape.String(), perSecond, count/prepare.Seconds())
		s.results.add("burst wall/"+shape.String(), milliseconds, inMilliseconds(prepare))
		s.results.add("unprepare burst/"+shape.String(), perSecond, count/unprepare.Seconds())
	}
	return nil
}

func oneCallSeries(claims int) string { return fmt.Sprintf("one call/%d", claims) }

// oneCall prepares all claims in one call, as for one pod with many claims. A driver that cannot do it within the kubelet's
// deadline gets no result.
func (s *session) oneCall(ctx context.Context) error {
	if s.variant.throttled && !s.bench.plan.slowParts(s.bench.round) {
		return nil
	}
	began := time.Now()
	answers, err := s.prepare(ctx, s.claims...)
	took := time.Since(began)
	if err != nil {
		fmt.Printf("  %s: %d claims in one call: %v\n", s.variant.title, len(s.claims), err)
	} else if err := s.cdi.checkPrepared(s.claims, answers); err != nil {
		return err
	} else {
		s.results.add(oneCallSeries(len(s.claims)), milliseconds, inMilliseconds(took))
	}
	_, err = s.unprepareAll(ctx, s.claims, fewCallers)
	return err
}

// growth compares how many claims a second are prepared and unprepared while few are prepared, and while all are.
func (s *session) growth(ctx context.Context) error {
	if s.variant.throttled {
		return nil
	}
	for _, level := range []struct {
		name string
		held int
	}{{"cycles/few", fewClaims - 1}, {"cycles/all", len(s.claims) - 1}} {
		held, one := s.claims[1:1+level.held], s.claims[0]
		if _, err := s.prepareAll(ctx, held, fewCallers); err != nil {
			return err
		}
		began := time.Now()
		for range s.bench.plan.growthCycles {
			if _, err := s.prepare(ctx, one); err != nil {
				return err
			}
			if err := s.unprepare(ctx, one); err != nil {
				return err
			}
		}
		s.results.add(level.name, perSecond, float64(s.bench.plan.growthCycles)/time.Since(began).Seconds())
		if _, err := s.unprepareAll(ctx, held, fewCallers); err != nil {
			return err
		}
	}
	return nil
}

// cpu measures what many cycles cost the driver, several callers at a time.
func (s *session) cpu(ctx context.Context) error {
	if s.variant.throttled {
		return nil
	}
	before, err := cpuSeconds(s.pid())
	if err != nil {
		return err
	}
	done := 0
	for done < s.bench.plan.cpuCycles {
		claims := s.claims[:min(len(s.claims), s.bench.plan.cpuCycles-done)]
		if _, err := s.prepareAll(ctx, claims, fewCallers); err != nil {
			return err
		}
		if _, err := s.unprepareAll(ctx, claims, fewCallers); err != nil {
			return err
		}
		done += len(claims)
	}
	after, err := cpuSeconds(s.pid())
	s.results.add("cpu", "CPU s/1000 cycles", (after-before)*1000/float64(done))
	return err
}

func (s *session) addFootprint(when string, f footprint) {
	s.results.add("resident/"+when, mib, f.resident)
	s.results.add("proportional/"+when, mib, f.proportional)
	s.results.add("anonymous/"+when, mib, f.anonymous)
	s.results.add("threads/"+when, "", f.threads)
	s.results.add("files/"+when, "", f.files)
}

// memory looks at the driver when it has nothing to do, and while it prepares all claims with 32 callers.
func (s *session) memory(ctx context.Context) error {
	time.Sleep(settle)
	idle, err := readFootprint(s.pid())
	if err != nil {
		return err
	}
	s.addFootprint("idle", idle)
	if s.variant.throttled {
		return nil // its throttle keeps it from ever being busy
	}
	done := make(chan struct{})
	peaks := make(chan footprint)
	go func() { peaks <- s.watchFootprint(done) }()
	_, err = s.prepareAll(ctx, s.claims, manyCallers)
	close(done)
	peak := <-peaks
	if err != nil {
		return err
	}
	s.addFootprint("peak", peak)
	_, err = s.unprepareAll(ctx, s.claims, manyCallers)
	return err
}

// watchFootprint returns the largest of each number until `done`.
func (s *session) watchFootprint(done <-chan struct{}) footprint {
	var peak footprint
	for {
		if now, err := readFootprint(s.pid()); err == nil {
			peak = footprint{resident: max(peak.resident, now.resident), proportional: max(peak.proportional, now.proportional),
				anonymous: max(peak.anonymous, now.anonymous), threads: max(peak.threads, now.threads),
				files: max(peak.files, now.files)}
		}
		select {
		case <-done:
			return peak
		case <-time.After(sampleMemory):
		}
	}
}
