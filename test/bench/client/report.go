package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// report is what comes out, as JSON.
type report struct {
	Began      time.Time          `json:"began"`
	Ended      time.Time          `json:"ended"`
	Machine    machine            `json:"machine"`
	Ours       string             `json:"ours"`
	Reference  string             `json:"reference"`
	Kubernetes string             `json:"kubernetes"`
	Quick      bool               `json:"quick"`
	Rounds     int                `json:"rounds"`
	Results    map[string]results `json:"results"` // by variant
	Targets    []verdict          `json:"targets"`
	Warnings   []string           `json:"warnings"`
}

type machine struct {
	Processor string  `json:"processor"`
	Cores     int     `json:"cores"`
	Kernel    string  `json:"kernel"`
	Load      float64 `json:"loadBefore"` // average of the last minute
}

func readMachine() machine {
	m := machine{Cores: runtime.NumCPU(), Processor: runtime.GOARCH}
	if content, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(content)) {
			if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
				m.Processor = strings.TrimSpace(value)
				break
			}
		}
	}
	if content, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.Kernel = strings.TrimSpace(string(content))
	}
	if content, err := os.ReadFile("/proc/loadavg"); err == nil {
		m.Load, _ = strconv.ParseFloat(strings.Fields(string(content))[0], 64)
	}
	return m
}

func newReport(o options) (*report, error) {
	version, err := exec.Command(o.ours, "--version").Output()
	if err != nil {
		return nil, fmt.Errorf("%s --version: %w", o.ours, err)
	}
	r := &report{Began: time.Now(), Machine: readMachine(), Ours: strings.TrimSpace(string(version)),
		Reference: o.referenceVersion, Quick: o.quick, Results: map[string]results{}}
	for _, id := range []string{ours, reference, raised, bareReads} {
		r.Results[id] = results{}
	}
	if limit := 0.25 * float64(r.Machine.Cores); r.Machine.Load > limit {
		r.Warnings = append(r.Warnings, fmt.Sprintf(
			"the machine was not quiet: a load of %.1f on %d cores before anything was measured", r.Machine.Load, r.Machine.Cores))
	}
	return r, nil
}

// finish prints the tables, writes the file, and tells whether all targets that were measured are met.
func (r *report) finish(ctx context.Context, b *bench, o options) (bool, error) {
	var version struct{ GitVersion string }
	if err := b.admin.get(ctx, "/version", &version); err != nil {
		return false, err
	}
	r.Ended, r.Kubernetes, r.Rounds = time.Now(), version.GitVersion, b.plan.rounds
	met := true
	for _, one := range targets() {
		if verdict := one.judge(r.Results); verdict.Measured != "" {
			r.Targets = append(r.Targets, verdict)
			met = met && verdict.Met
		}
	}
	r.print()
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return false, err
	}
	if err := os.MkdirAll(filepath.Dir(o.jsonOutput), 0o755); err != nil {
		return false, err
	}
	return met, os.WriteFile(o.jsonOutput, append(text, '\n'), 0o644)
}

func (r *report) print() {
	fmt.Printf("\n%s against dra-example-driver %s on Kubernetes %s\n", r.Ours, r.Reference, r.Kubernetes)
	fmt.Printf("%d rounds in %v; %s, %d cores, Linux %s\n\n", r.Rounds, r.Ended.Sub(r.Began).Round(time.Second),
		r.Machine.Processor, r.Machine.Cores, r.Machine.Kernel)
	printTable(r.measurements())
	if reads := r.Results[bareReads]["burst/"+mainShape.String()]; reads != nil {
		fmt.Printf("\nBare reads of %d claims, callers: %d: %s claims/s\n", mainShape.claims, mainShape.callers, number(reads.median()))
	}
	if len(r.Targets) > 0 {
		rows := [][]string{{"target", "limit", "measured", ""}}
		for _, one := range r.Targets {
			word := "missed"
			if one.Met {
				word = "met"
			}
			rows = append(rows, []string{one.Title, one.Limit, one.Measured, word})
		}
		fmt.Println()
		printTable(rows)
	}
	for _, warning := range r.Warnings {
		fmt.Printf("\nwarning: %s\n", warning)
	}
}

// row is one line of the table: a statistic of a series of each driver.
type row struct {
	title     string
	series    string
	statistic statistic
}

func quantile(q float64) statistic {
	return func(s *series) float64 { return s.quantile(q) }
}

func latencyRows(title, series string) []row {
	return []row{{title + ", p50", series, quantile(0.5)}, {title + ", p90", series, quantile(0.9)},
		{title + ", p99", series, quantile(0.99)}}
}

func rows() []row {
	median := (*series).median
	all := []row{
		{"exec to GetInfo answered", "start/registered", median},
		{"exec to slices published", "start/published", median},
	}
	all = append(all, latencyRows("Prepare, one at a time", "prepare")...)
	all = append(all, latencyRows("its API read, at the proxy", "read")...)
	all = append(all, latencyRows("Prepare without its API read", "own")...)
	all = append(all, latencyRows("Unprepare, one at a time", "unprepare")...)
	all = append(all, row{"API requests for each Prepare", "requests", median})
	for _, prefix := range []string{"burst", "unprepare burst"} {
		for _, claims := range []int{10, 50, 100, 256} {
			for _, callers := range []int{1, fewCallers, manyCallers} {
				one := shape{claims, callers}
				all = append(all, row{fmt.Sprintf("%s of %d, callers: %d",
					map[string]string{"burst": "Prepare burst", "unprepare burst": "Unprepare burst"}[prefix], claims, callers),
					prefix + "/" + one.String(), median})
			}
		}
	}
	for _, claims := range []int{128, 256} {
		all = append(all, row{fmt.Sprintf("%d claims in one call", claims), oneCallSeries(claims), median})
	}
	all = append(all, row{"cycles with 10 claims prepared", "cycles/few", median},
		row{"cycles with all claims prepared", "cycles/all", median},
		row{"CPU", "cpu", median})
	for _, when := range []string{"idle", "peak"} {
		for _, what := range []string{"resident", "proportional", "anonymous"} {
			all = append(all, row{what + " memory, " + when, what + "/" + when, median})
		}
		all = append(all, row{"threads, " + when, "threads/" + when, median},
			row{"open files, " + when, "files/" + when, median})
	}
	all = append(all, row{"size of the program", "size/program", median},
		row{"the same with its shared libraries", "size/with libraries", median},
		row{"image, unpacked", "size/image", median})
	for _, scale := range []string{"100", "1000"} {
		name, about := "scale/"+scale+"/", scale+" devices: "
		all = append(all, row{about + "exec to slices published", name + "published", median},
			row{about + "anonymous memory, nothing prepared", name + "anonymous/none", median},
			row{about + "anonymous memory, all prepared", name + "anonymous/all", median})
		for _, level := range []string{"none", "all"} {
			what := map[string]string{"none": "nothing else prepared", "all": "all others prepared"}[level]
			all = append(all, row{about + "Prepare, " + what + ", p50", name + "prepare/" + level, quantile(0.5)},
				row{about + "Prepare, " + what + ", p99", name + "prepare/" + level, quantile(0.99)})
		}
	}
	return all
}

// measurements leaves out what was not measured.
func (r *report) measurements() [][]string {
	table := [][]string{{"", "unit", "this driver", "reference", "throttle raised", "ratio"}}
	for _, one := range rows() {
		line := []string{one.title, ""}
		values := map[string]float64{}
		for _, id := range []string{ours, reference, raised} {
			series := r.Results[id][one.series]
			if series != nil {
				line[1] = series.Unit
			}
			values[id] = one.statistic(series)
			line = append(line, number(values[id]))
		}
		ratio := values[ours] / values[raised]
		if math.IsNaN(ratio) || math.IsInf(ratio, 0) {
			line = append(line, "")
		} else {
			line = append(line, fmt.Sprintf("%.2f", ratio))
		}
		if line[2] != "" || line[3] != "" || line[4] != "" {
			table = append(table, line)
		}
	}
	return table
}

// number has three digits that matter; empty for what is none.
func number(value float64) string {
	switch {
	case math.IsNaN(value):
		return ""
	case value >= 100 || value == math.Trunc(value):
		return fmt.Sprintf("%.0f", value)
	case value >= 10:
		return fmt.Sprintf("%.1f", value)
	default:
		return fmt.Sprintf("%.2f", value)
	}
}

// printTable prints Markdown that is readable as it is. The first line is the heading.
func printTable(rows [][]string) {
	widths := make([]int, len(rows[0]))
	for _, line := range rows {
		for i, cell := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for i, line := range rows {
		for j, cell := range line {
			fmt.Printf("| %s%s ", cell, strings.Repeat(" ", widths[j]-utf8.RuneCountInString(cell)))
		}
		fmt.Println("|")
		if i == 0 {
			for _, width := range widths {
				fmt.Print("|", strings.Repeat("-", width+2))
			}
			fmt.Println("|")
		}
	}
}
