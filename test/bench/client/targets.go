package main

import (
	"fmt"
	"math"
)

// verdict tells whether a target was met.
type verdict struct {
	Title    string `json:"title"`
	Limit    string `json:"limit"`
	Measured string `json:"measured"` // empty if it was not
	Met      bool   `json:"met"`
}

// target is something that must hold.
type target struct {
	title string
	limit float64
	most  bool   // the limit is the largest allowed value; otherwise the smallest
	unit  string // "×": the value is a ratio
	value func(map[string]results) float64
	or    *target // enough, too
}

func (t target) judge(all map[string]results) verdict {
	value := t.value(all)
	v := verdict{Title: t.title, Met: value >= t.limit}
	word := "at least"
	if t.most {
		word, v.Met = "at most", value <= t.limit
	}
	v.Limit = fmt.Sprintf("%s %g %s", word, t.limit, t.unit)
	if !math.IsNaN(value) {
		v.Measured = number(value) + " " + t.unit
	}
	if t.or == nil || v.Measured == "" {
		return v
	}
	if other := t.or.judge(all); other.Measured != "" {
		v.Met = v.Met || other.Met
		v.Limit += fmt.Sprintf(", or %s %s", other.Limit, other.Title)
		v.Measured += fmt.Sprintf(", %s %s", other.Measured, other.Title)
	}
	return v
}

// statistic makes one number of a series.
type statistic = func(*series) float64

// ratio of a statistic of this driver to that of another one.
func ratio(to, name string, of statistic) func(map[string]results) float64 {
	return func(all map[string]results) float64 {
		return of(all[ours][name]) / of(all[to][name])
	}
}

// own is a statistic of this driver.
func own(name string, of statistic) func(map[string]results) float64 {
	return func(all map[string]results) float64 { return of(all[ours][name]) }
}

// targets compare with the reference whose throttle is raised, unless they say otherwise.
func targets() []target {
	median := (*series).median
	burst := "burst/" + mainShape.String()
	return []target{
		{"Prepare without its API read, p50", 0.5, true, "×", ratio(raised, "own", quantile(0.5)), nil},
		{"Prepare without its API read, p99", 0.5, true, "×", ratio(raised, "own", quantile(0.99)), nil},
		{"the same of this driver alone, p50", 0.5, true, "ms", own("own", quantile(0.5)), nil},
		{"Prepare, p50", 0.7, true, "×", ratio(raised, "prepare", quantile(0.5)), nil},
		{"burst of 100 claims, 32 callers, against the defaults", 40, false, "×", ratio(reference, burst, median), nil},
		{"the same burst, throttle raised", 3, false, "×", ratio(raised, burst, median),
			&target{"of bare reads", 0.7, false, "×", ratio(bareReads, burst, median), nil}},
		{"256 claims in one call", 2000, true, "ms", own(oneCallSeries(256), median), nil},
		{"cycles with all claims prepared against 10", 0.9, false, "×", func(all map[string]results) float64 {
			return all[ours]["cycles/all"].median() / all[ours]["cycles/few"].median()
		}, nil},
		{"CPU for each cycle", 0.33, true, "×", ratio(raised, "cpu", median), nil},
		{"anonymous memory, idle", 0.6, true, "×", ratio(raised, "anonymous/idle", median), nil},
		{"anonymous memory, peak", 0.5, true, "×", ratio(raised, "anonymous/peak", median), nil},
		{"proportional memory, idle", 0.6, true, "×", ratio(raised, "proportional/idle", median), nil},
		{"exec to GetInfo answered", 1, true, "×", ratio(raised, "start/registered", median), nil},
		{"exec to slices published", 0.2, true, "×", ratio(raised, "start/published", median), nil},
		{"API requests for each Prepare", 1, true, "requests", own("requests", quantile(1)), nil},
	}
}
