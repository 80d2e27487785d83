package main

import (
	"math"
	"slices"
)

// series is one measured quantity of one driver: all its samples, of all rounds.
type series struct {
	Unit    string    `json:"unit"`
	Samples []float64 `json:"samples"`
}

// quantile returns the smallest sample that at least the share q of all samples does not exceed; NaN without samples.
func (s *series) quantile(q float64) float64 {
	if s == nil || len(s.Samples) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(s.Samples))
	rank := int(math.Ceil(q*float64(len(sorted)))) - 1
	return sorted[min(max(rank, 0), len(sorted)-1)]
}

// median of an even number of samples is the mean of the two in the middle, because most series have one sample a round.
func (s *series) median() float64 {
	if s == nil || len(s.Samples) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(s.Samples))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// results are the series of one driver by name, for example `prepare` or `burst/100/32`.
type results map[string]*series

func (r results) add(name, unit string, samples ...float64) {
	one := r[name]
	if one == nil {
		one = &series{Unit: unit}
		r[name] = one
	}
	one.Samples = append(one.Samples, samples...)
}
