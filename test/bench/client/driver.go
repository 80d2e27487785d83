package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	drav1 "k8s.io/kubelet/pkg/apis/dra/v1"
	registerapi "k8s.io/kubelet/pkg/apis/pluginregistration/v1"
)

const (
	// kubeletDeadline is how long the kubelet waits for the answer to a Prepare or Unprepare.
	kubeletDeadline = 45 * time.Second
	startPatience   = time.Minute
)

// variant is one way to run a driver.
type variant struct {
	id        string // key of the results
	title     string
	program   string
	arguments []string
	throttled bool // by the defaults of its API client: 10 requests at once, then 5 a second
}

// place is where a driver's files are.
type place struct {
	registry, plugins string
	cdi               specDirectory
	log               string
}

// driver is a running one, with the kubelet's connection to it.
type driver struct {
	process    *child
	cdi        specDirectory
	connection *grpc.ClientConn
	client     drav1.DRAPluginClient

	registered time.Duration // from exec to the answer to GetInfo
	published  time.Duration // from exec to the API server's answer to the write that completes the pool
}

// startDriver runs a driver in fresh directories, registers it as the kubelet does, and waits until it has published its
// devices.
func (b *bench) startDriver(ctx context.Context, v variant, devices int, shared bool) (*driver, error) {
	if err := b.admin.deleteSlices(ctx); err != nil {
		return nil, err
	}
	where, err := b.newPlace(v)
	if err != nil {
		return nil, err
	}
	log, err := os.Create(where.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	command := exec.Command(v.program, v.arguments...)
	command.Args = append(command.Args,
		"--node-name="+nodeName, "--driver-name="+driverName, "--num-devices="+strconv.Itoa(devices),
		"--gpu-allow-multiple-allocations="+strconv.FormatBool(shared), "--kubeconfig="+b.kubeconfig,
		"--cdi-root="+string(where.cdi), "--kubelet-registrar-directory-path="+where.registry,
		"--kubelet-plugins-directory-path="+where.plugins)
	command.Env = []string{"PATH=" + os.Getenv("PATH"), "NODE_NAME=" + nodeName}
	command.Stdout, command.Stderr = log, log

	b.proxy.take()
	began := time.Now()
	process, err := startChild(command)
	if err != nil {
		return nil, err
	}
	d := &driver{process: process, cdi: where.cdi}
	if err := d.follow(ctx, b, where, began, devices); err != nil {
		d.stop()
		return nil, fmt.Errorf("%s: %w; its log is %s", v.title, err, where.log)
	}
	return d, nil
}

func (b *bench) newPlace(v variant) (place, error) {
	b.starts++
	own := fmt.Sprintf("%s-%d", v.id, b.starts)
	where := place{
		registry: filepath.Join(b.work, own, "registry"),
		plugins:  filepath.Join(b.work, own, "plugins"),
		cdi:      specDirectory(filepath.Join(b.cdi, own)),
		log:      filepath.Join(b.work, own+".log"),
	}
	for _, folder := range []string{where.registry, where.plugins, string(where.cdi)} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return place{}, err
		}
	}
	return where, nil
}

// follow times the start of the driver.
func (d *driver) follow(ctx context.Context, b *bench, where place, began time.Time, devices int) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	endpoint, err := d.register(ctx, filepath.Join(where.registry, driverName+"-reg.sock"), began)
	if err != nil {
		return err
	}
	if d.connection, err = grpc.NewClient("unix:"+endpoint, insecurely()); err != nil {
		return err
	}
	d.client = drav1.NewDRAPluginClient(d.connection)
	for {
		published, err := b.admin.publishedDevices(ctx)
		if err != nil {
			return fmt.Errorf("wait for its ResourceSlices: %w", err)
		}
		if published == devices {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	for _, one := range b.proxy.take() {
		if one.isSliceWrite() {
			d.published = one.end.Sub(began)
		}
	}
	return nil
}

func insecurely() grpc.DialOption { return grpc.WithTransportCredentials(insecure.NewCredentials()) }

// register speaks with the registration socket as soon as it is there, and returns where the driver serves.
func (d *driver) register(ctx context.Context, socket string, began time.Time) (string, error) {
	for { // gRPC would wait a second after a failed attempt
		probe, err := net.Dial("unix", socket)
		if err == nil {
			probe.Close()
			break
		}
		select {
		case <-d.process.ended:
			return "", errors.New("it has ended by itself")
		case <-ctx.Done():
			return "", fmt.Errorf("wait for its registration socket: %w", err)
		case <-time.After(200 * time.Microsecond):
		}
	}
	connection, err := grpc.NewClient("unix:"+socket, insecurely())
	if err != nil {
		return "", err
	}
	defer connection.Close()
	client := registerapi.NewRegistrationClient(connection)
	info, err := client.GetInfo(ctx, &registerapi.InfoRequest{})
	if err != nil {
		return "", fmt.Errorf("GetInfo: %w", err)
	}
	d.registered = time.Since(began)
	if info.Name != driverName {
		return "", fmt.Errorf("GetInfo: its name is %q", info.Name)
	}
	_, err = client.NotifyRegistrationStatus(ctx, &registerapi.RegistrationStatus{PluginRegistered: true})
	return info.Endpoint, err
}

func (d *driver) pid() int { return d.process.Process.Pid }

func (d *driver) stop() {
	if d.connection != nil {
		d.connection.Close()
	}
	d.process.stop()
	os.RemoveAll(string(d.cdi))
}

func references(claims []claim) []*drav1.Claim {
	list := make([]*drav1.Claim, len(claims))
	for i, one := range claims {
		list[i] = &drav1.Claim{Namespace: namespace, Name: one.name, Uid: one.uid}
	}
	return list
}

// prepared are a driver's answers by claim UID.
type prepared map[string][]*drav1.Device

// prepare is one call of the kubelet. An error in the answer for a claim is an error.
func (d *driver) prepare(ctx context.Context, claims ...claim) (prepared, error) {
	ctx, cancel := context.WithTimeout(ctx, kubeletDeadline)
	defer cancel()
	answer, err := d.client.NodePrepareResources(ctx, &drav1.NodePrepareResourcesRequest{Claims: references(claims)})
	if err != nil {
		return nil, err
	}
	devices := prepared{}
	for _, one := range claims {
		found := answer.Claims[one.uid]
		if found == nil {
			return nil, fmt.Errorf("no answer for claim %s", one.name)
		}
		if found.Error != "" {
			return nil, fmt.Errorf("claim %s: %s", one.name, found.Error)
		}
		devices[one.uid] = found.Devices
	}
	return devices, nil
}

func (d *driver) unprepare(ctx context.Context, claims ...claim) error {
	ctx, cancel := context.WithTimeout(ctx, kubeletDeadline)
	defer cancel()
	answer, err := d.client.NodeUnprepareResources(ctx, &drav1.NodeUnprepareResourcesRequest{Claims: references(claims)})
	if err != nil {
		return err
	}
	for _, one := range claims {
		if found := answer.Claims[one.uid]; found == nil || found.Error != "" {
			return fmt.Errorf("unprepare claim %s: %s", one.name, found.GetError())
		}
	}
	return nil
}
