// Measures this driver and the reference driver side by side: the same API server behind the same proxy, the same claims,
// the same client in place of the kubelet. test/bench/compare.sh prepares all that and starts this.
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// bench is what all measurements share.
type bench struct {
	plan       plan
	round      int
	admin      *apiClient // directly to the API server
	proxy      *proxy
	kubeconfig string // of the drivers, through the proxy
	work, cdi  string // directories
	starts     int    // of drivers, so far
	results    map[string]results
}

type options struct {
	ours, reference, referenceVersion   string
	server, token                       string
	certificates, work, cdi, jsonOutput string
	quick, alone, enforce               bool
	rounds, claims                      int
	only, image                         string
}

func readOptions() options {
	var o options
	flag.StringVar(&o.ours, "ours", "", "this driver's program")
	flag.StringVar(&o.reference, "reference", "", "the reference driver's program")
	flag.StringVar(&o.referenceVersion, "reference-version", "", "its version")
	flag.StringVar(&o.server, "server", "", "URL of the API server")
	flag.StringVar(&o.token, "token", "", "an administrator's token")
	flag.StringVar(&o.certificates, "certificates", "", "folder with ca.crt, apiserver.crt and apiserver.key")
	flag.StringVar(&o.work, "work", "", "folder for the drivers' files and logs")
	flag.StringVar(&o.cdi, "cdi", "", "folder for CDI specs")
	flag.StringVar(&o.jsonOutput, "json", "", "file for all results")
	flag.StringVar(&o.image, "image", "", "docker archive of this driver's image, to report its size")
	flag.BoolVar(&o.quick, "quick", false, "fewer repetitions")
	flag.BoolVar(&o.alone, "alone", false, "leave the reference out")
	flag.BoolVar(&o.enforce, "enforce", false, "fail if a target is missed")
	flag.IntVar(&o.rounds, "rounds", 0, "how often each driver is measured; 0: as fits")
	flag.IntVar(&o.claims, "claims", 256, "claims of the largest burst")
	flag.StringVar(&o.only, "only", "", "parts to measure, separated by commas")
	flag.Parse()
	return o
}

func main() {
	if len(os.Args) == 3 && os.Args[1] == "ports" {
		exitOn(printFreePorts(os.Args[2]))
		return
	}
	o := readOptions()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer cancel()
	met, err := run(ctx, o)
	exitOn(err)
	if o.enforce && !met {
		os.Exit(3)
	}
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// printFreePorts prints TCP ports of the loopback interface that nobody uses at the moment.
func printFreePorts(count string) error {
	number, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	for range number {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer listener.Close() // only at the end, so that all are different
		fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	}
	return nil
}

// run tells whether all targets were met.
func run(ctx context.Context, o options) (bool, error) {
	plan, err := newPlan(o.quick, o.rounds, o.claims, o.only)
	if err != nil {
		return false, err
	}
	report, err := newReport(o)
	if err != nil {
		return false, err
	}
	b := &bench{plan: plan, work: o.work, cdi: o.cdi, kubeconfig: filepath.Join(o.work, "kubeconfig"), results: report.Results}
	ca := filepath.Join(o.certificates, "ca.crt")
	if b.admin, err = newAPIClient(o.server, ca, o.token); err != nil {
		return false, err
	}
	patience, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := b.admin.awaitServer(patience); err != nil {
		return false, err
	}
	b.proxy, err = startProxy(o.server, ca, filepath.Join(o.certificates, "apiserver.crt"),
		filepath.Join(o.certificates, "apiserver.key"))
	if err != nil {
		return false, err
	}
	defer b.proxy.stop()
	if err := os.WriteFile(b.kubeconfig, []byte(kubeconfig(b.proxy.address, ca, o.token)), 0o600); err != nil {
		return false, err
	}
	if o.image != "" && b.plan.has("size") {
		size, err := imageSize(o.image)
		if err != nil {
			return false, err
		}
		b.results[ours].add("size/image", mib, size)
	}
	if err := b.measure(ctx, variants(o), ca, o.token); err != nil {
		return false, err
	}
	return report.finish(ctx, b, o)
}

func kubeconfig(server, ca, token string) string {
	return fmt.Sprintf(`apiVersion: v1
kind: Config
clusters: [{name: bench, cluster: {server: %q, certificate-authority: %q}}]
users: [{name: bench, user: {token: %q}}]
contexts: [{name: bench, context: {cluster: bench, user: bench}}]
current-context: bench
`, server, ca, token)
}

const (
	ours      = "ours"
	reference = "reference"
	raised    = "reference-raised"
	bareReads = "bare-reads" // no driver, only the reads of the claims
)

func variants(o options) []variant {
	all := []variant{
		{id: ours, title: "this driver", program: o.ours, arguments: []string{"kubelet-plugin"}},
		{id: reference, title: "reference", program: o.reference, throttled: true},
		{id: raised, title: "reference, throttle raised", program: o.reference,
			arguments: []string{"--kube-api-qps=10000", "--kube-api-burst=10000"}},
	}
	if o.alone {
		return all[:1]
	}
	return all
}

// measure lets the drivers take turns, so that whatever else happens on the machine meets each of them.
func (b *bench) measure(ctx context.Context, variants []variant, ca, token string) error {
	claims, err := b.admin.createClaims(ctx, "burst", b.plan.claims, mostDevices, b.plan.shared())
	if err != nil {
		return err
	}
	if b.plan.has("size") {
		for _, v := range variants {
			alone, together, err := programSizes(v.program)
			if err != nil {
				return err
			}
			b.results[v.id].add("size/program", mib, alone)
			b.results[v.id].add("size/with libraries", mib, together)
		}
	}
	for b.round = range b.plan.rounds {
		for _, v := range variants {
			fmt.Printf("round %d of %d: %s\n", b.round+1, b.plan.rounds, v.title)
			if err := b.measureDriver(ctx, v, claims); err != nil {
				return err
			}
		}
		if b.plan.has("reads") {
			if err := b.measureReads(ctx, claims, ca, token); err != nil {
				return err
			}
		}
	}
	if b.plan.has("scale") {
		return b.measureScales(ctx, variants[0])
	}
	return nil
}

func (b *bench) measureDriver(ctx context.Context, v variant, claims []claim) error {
	d, err := b.startDriver(ctx, v, min(mostDevices, b.plan.claims), b.plan.shared())
	if err != nil {
		return err
	}
	defer d.stop()
	s := &session{driver: d, bench: b, variant: v, results: b.results[v.id], claims: claims}
	if b.plan.has("start") {
		s.results.add("start/registered", milliseconds, inMilliseconds(d.registered))
		s.results.add("start/published", milliseconds, inMilliseconds(d.published))
	}
	for _, part := range []struct {
		name string
		run  func(context.Context) error
	}{
		{"memory", s.memory}, {"latency", s.latency}, {"burst", s.bursts}, {"growth", s.growth}, {"cpu", s.cpu},
		{"one-call", s.oneCall},
	} {
		if !b.plan.has(part.name) {
			continue
		}
		if err := part.run(ctx); err != nil {
			return fmt.Errorf("%s of %s: %w", part.name, v.title, err)
		}
	}
	return nil
}

// measureReads reads the claims as fast as the API server and the proxy give them, in the form that costs these least.
func (b *bench) measureReads(ctx context.Context, claims []claim, ca, token string) error {
	client, err := newAPIClient(b.proxy.address, ca, token)
	if err != nil {
		return err
	}
	defer client.http.CloseIdleConnections()
	client.accept = "application/vnd.kubernetes.protobuf"
	claims = claims[:min(mainShape.claims, len(claims))]
	read := func(one claim) error { return client.get(ctx, claimPath(one.name), nil) }
	if err := read(claims[0]); err != nil { // the connection is made
		return err
	}
	took, err := inParallel(claims, manyCallers, read)
	b.results[bareReads].add("burst/"+mainShape.String(), perSecond, float64(len(claims))/took.Seconds())
	return err
}

// measureScales grows a node of this driver alone: the reference cannot have so many devices.
func (b *bench) measureScales(ctx context.Context, v variant) error {
	claims, err := b.admin.createClaims(ctx, "scale", b.plan.scales[len(b.plan.scales)-1], b.plan.scales[len(b.plan.scales)-1], false)
	if err != nil {
		return err
	}
	for _, scale := range b.plan.scales {
		fmt.Printf("%s with %d devices and as many claims\n", v.title, scale)
		if err := b.measureScale(ctx, v, claims[:scale]); err != nil {
			return fmt.Errorf("%d devices: %w", scale, err)
		}
	}
	return nil
}

func (b *bench) measureScale(ctx context.Context, v variant, claims []claim) error {
	d, err := b.startDriver(ctx, v, len(claims), false)
	if err != nil {
		return err
	}
	defer d.stop()
	s := &session{driver: d, bench: b, variant: v, results: b.results[v.id], claims: claims}
	scale := fmt.Sprintf("scale/%d/", len(claims))
	s.results.add(scale+"published", milliseconds, inMilliseconds(d.published))
	time.Sleep(settle)
	for _, level := range []struct {
		name string
		held []claim
	}{{"none", nil}, {"all", claims[1:]}} {
		if _, err := s.prepareAll(ctx, level.held, fewCallers); err != nil {
			return err
		}
		memory, err := readFootprint(s.pid())
		if err != nil {
			return err
		}
		s.results.add(scale+"anonymous/"+level.name, mib, memory.anonymous)
		for range b.plan.cycles {
			began := time.Now()
			if _, err := s.prepare(ctx, claims[0]); err != nil {
				return err
			}
			s.results.add(scale+"prepare/"+level.name, milliseconds, inMilliseconds(time.Since(began)))
			if err := s.unprepare(ctx, claims[0]); err != nil {
				return err
			}
		}
	}
	_, err = s.unprepareAll(ctx, claims[1:], fewCallers)
	return err
}
