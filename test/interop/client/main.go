// The Go half of the interoperability test: talks to the C++ plugin with the libraries, the messages and the ways to dial
// that the kubelet uses, and compares every field.
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// patience bounds every step, so that a defect fails the test instead of hanging it.
const patience = 10 * time.Second

// checker counts what is not as it should be.
type checker struct{ failures int }

func (c *checker) failf(format string, args ...any) {
	c.failures++
	fmt.Printf("FAILED: "+format+"\n", args...)
}

func (c *checker) noError(what string, err error) bool {
	if err != nil {
		c.failf("%s: %v", what, err)
	}
	return err == nil
}

func (c *checker) equal(what string, got, want any) {
	if fmt.Sprint(got) != fmt.Sprint(want) {
		c.failf("%s: got %v, want %v", what, got, want)
	}
}

// server is the C++ plugin, running.
type server struct {
	command      *exec.Cmd
	stdin        io.Closer
	lines        chan string
	registration string
	dra          string
	healthPort   string
}

func startServer(program, directory, podUID string) (*server, error) {
	command := exec.Command(program, "serve", filepath.Join(directory, "plugins_registry"),
		filepath.Join(directory, "plugins"), podUID)
	command.Stderr = os.Stderr
	stdin, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	s := &server{command: command, stdin: stdin, lines: make(chan string, 16)}
	go func() {
		defer close(s.lines)
		for scanner := bufio.NewScanner(stdout); scanner.Scan(); {
			s.lines <- scanner.Text()
		}
	}()
	fields := strings.Fields(s.nextLine())
	if len(fields) != 4 || fields[0] != "serving" {
		return nil, fmt.Errorf("the server did not start: %q", fields)
	}
	s.registration, s.dra, s.healthPort = fields[1], fields[2], fields[3]
	return s, nil
}

// nextLine is empty if the server says nothing more in time.
func (s *server) nextLine() string {
	select {
	case line := <-s.lines:
		return line
	case <-time.After(patience):
		return ""
	}
}

func (s *server) stop(c *checker) {
	begin := time.Now()
	s.stdin.Close()
	c.noError("the server's exit", s.command.Wait())
	if took := time.Since(begin); took > 2*time.Second {
		c.failf("the server took %v to stop", took)
	}
	for _, path := range []string{s.registration, s.dra} {
		if _, err := os.Lstat(path); !os.IsNotExist(err) {
			c.failf("%s is there after the end: %v", path, err)
		}
	}
}

func checkServer(c *checker, program, podUID string) {
	directory, err := os.MkdirTemp("", "interop")
	if !c.noError("temporary directory", err) {
		return
	}
	defer os.RemoveAll(directory)
	s, err := startServer(program, directory, podUID)
	if !c.noError("start the server", err) {
		return
	}
	checkRegistration(c, s)
	for _, dial := range []dialer{dialBarePath, dialUnixTarget} {
		checkDRA(c, s, dial)
		checkHealthStreams(c, s, dial)
	}
	checkProbe(c, s)
	s.stop(c)
}

func main() {
	if len(os.Args) != 2 {
		fmt.Println("usage: client <C++ server program>")
		os.Exit(2)
	}
	c := &checker{}
	checkAuthorities(c)
	checkContracts(c, os.Args[1])
	checkCodec(c, os.Args[1])
	checkServer(c, os.Args[1], "")
	checkServer(c, os.Args[1], "303b27ee-1111-2222-3333-444455556666")
	if c.failures > 0 {
		fmt.Printf("%d failures\n", c.failures)
		os.Exit(1)
	}
	fmt.Println("ok")
}
