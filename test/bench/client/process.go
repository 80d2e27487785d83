package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// ticksPerSecond is the unit of times in /proc/PID/stat, on all architectures that Kubernetes runs on.
const ticksPerSecond = 100

// starts is served by one goroutine on a thread of its own: children are killed when the thread that started them ends.
var starts = func() chan func() {
	work := make(chan func())
	go func() {
		runtime.LockOSThread()
		for one := range work {
			one()
		}
	}()
	return work
}()

// child is a program that does not survive this one, whatever ends it.
type child struct {
	*exec.Cmd
	ended chan struct{} // closed when it has ended
}

func startChild(command *exec.Cmd) (*child, error) {
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	result := make(chan error)
	starts <- func() { result <- command.Start() }
	if err := <-result; err != nil {
		return nil, err
	}
	c := &child{Cmd: command, ended: make(chan struct{})}
	go func() {
		command.Wait()
		close(c.ended)
	}()
	return c, nil
}

// stop asks it to end, and kills it after ten seconds.
func (c *child) stop() {
	c.Process.Signal(syscall.SIGTERM)
	select {
	case <-c.ended:
	case <-time.After(10 * time.Second):
		c.Process.Kill()
		<-c.ended
	}
}

// cpuSeconds is what a process has used so far, with all its threads, in steps of 10 ms.
func cpuSeconds(pid int) (float64, error) {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(content), ") ") // after the name, from field 3 on
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat: too short", pid)
	}
	var ticks int64
	for _, field := range fields[11:13] { // utime, stime
		value, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += value
	}
	return float64(ticks) / ticksPerSecond, nil
}

// footprint is what a process takes at one moment; memory in MiB.
type footprint struct {
	resident, proportional, anonymous float64
	threads, files                    float64
}

func readFootprint(pid int) (footprint, error) {
	memory, err := readNumbers(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return footprint{}, err
	}
	status, err := readNumbers(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return footprint{}, err
	}
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return footprint{}, err
	}
	return footprint{resident: memory["Rss"] / 1024, proportional: memory["Pss"] / 1024, anonymous: memory["Anonymous"] / 1024,
		threads: status["Threads"], files: float64(len(files))}, nil
}

// readNumbers reads lines of the form `Name:   12 kB`.
func readNumbers(file string) (map[string]float64, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	numbers := map[string]float64{}
	for line := range strings.Lines(string(content)) {
		name, rest, _ := strings.Cut(line, ":")
		if fields := strings.Fields(rest); len(fields) > 0 {
			if value, err := strconv.ParseFloat(fields[0], 64); err == nil {
				numbers[name] = value
			}
		}
	}
	return numbers, nil
}

// programSizes are the bytes of a program, and of it together with the shared libraries that it loads, in MiB.
func programSizes(program string) (alone, together float64, err error) {
	size := func(file string) (float64, error) {
		info, err := os.Stat(file)
		if err != nil {
			return 0, err
		}
		return float64(info.Size()) / (1 << 20), nil
	}
	if alone, err = size(program); err != nil {
		return 0, 0, err
	}
	together = alone
	output, _ := exec.Command("ldd", program).Output() // fails for a static program, which has none
	for _, word := range strings.Fields(string(output)) {
		if filepath.IsAbs(word) {
			library, err := size(word)
			if err != nil {
				return 0, 0, err
			}
			together += library
		}
	}
	return alone, together, nil
}
