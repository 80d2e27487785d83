package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	healthv1 "k8s.io/kubelet/pkg/apis/dra-health/v1"
	healthv1alpha1 "k8s.io/kubelet/pkg/apis/dra-health/v1alpha1"
	drav1 "k8s.io/kubelet/pkg/apis/dra/v1"
	drav1beta1 "k8s.io/kubelet/pkg/apis/dra/v1beta1"
	registerapi "k8s.io/kubelet/pkg/apis/pluginregistration/v1"
)

type dialer func(path string) (*grpc.ClientConn, error)

// dialBarePath dials as the kubelet dials the registration socket, and up to 1.33 the other one: the target is the path
// itself, so the percent-encoded path becomes the authority.
func dialBarePath(path string) (*grpc.ClientConn, error) {
	return grpc.NewClient("passthrough:///"+path, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", address)
		}))
}

// dialUnixTarget dials as kubelets since 1.34 dial the DRA socket: the authority is `localhost`.
func dialUnixTarget(path string) (*grpc.ClientConn, error) {
	return grpc.NewClient("unix:"+path, grpc.WithTransportCredentials(insecure.NewCredentials()))
}

// checkAuthorities makes sure that this program dials as the kubelet does: what arrives at a Go server as authority.
func checkAuthorities(c *checker) {
	directory, err := os.MkdirTemp("", "interop")
	if !c.noError("temporary directory", err) {
		return
	}
	defer os.RemoveAll(directory)
	path := filepath.Join(directory, "some.sock")
	listener, err := net.Listen("unix", path)
	if !c.noError("listen", err) {
		return
	}
	authorities := make(chan []string, 1)
	server := grpc.NewServer(grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error {
		incoming, _ := metadata.FromIncomingContext(stream.Context())
		authorities <- incoming.Get(":authority")
		return status.Error(codes.Unimplemented, "only looking")
	}))
	go server.Serve(listener)
	defer server.Stop()
	for want, dial := range map[string]dialer{
		strings.ReplaceAll(path, "/", "%2F"): dialBarePath,
		"localhost":                          dialUnixTarget,
	} {
		connection, err := dial(path)
		if !c.noError("dial", err) {
			return
		}
		defer connection.Close()
		ctx, cancel := inTime()
		defer cancel()
		_, err = registerapi.NewRegistrationClient(connection).GetInfo(ctx, &registerapi.InfoRequest{})
		c.equal("status of the Go server", status.Code(err), codes.Unimplemented)
		c.equal("authority", <-authorities, []string{want})
	}
}

func inTime() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), patience)
}

func (c *checker) sameMessage(what string, got, want proto.Message) {
	if !proto.Equal(got, want) {
		c.failf("%s:\n  got  %v\n  want %v", what, got, want)
	}
}

func checkRegistration(c *checker, s *server) {
	connection, err := dialBarePath(s.registration)
	if !c.noError("dial the registration socket", err) {
		return
	}
	defer connection.Close()
	client := registerapi.NewRegistrationClient(connection)
	ctx, cancel := inTime()
	defer cancel()

	info, err := client.GetInfo(ctx, &registerapi.InfoRequest{})
	if c.noError("GetInfo", err) {
		c.sameMessage("PluginInfo", info, &registerapi.PluginInfo{
			Type:     registerapi.DRAPlugin,
			Name:     "gpu.example.com",
			Endpoint: s.dra,
			SupportedVersions: []string{drav1.DRAPluginService, drav1beta1.DRAPluginService,
				healthv1.DRAResourceHealthService, healthv1alpha1.DRAResourceHealthService},
		})
	}
	_, err = client.NotifyRegistrationStatus(ctx, &registerapi.RegistrationStatus{Error: "not this time"})
	c.noError("NotifyRegistrationStatus of a refusal", err)
	_, err = client.NotifyRegistrationStatus(ctx, &registerapi.RegistrationStatus{PluginRegistered: true})
	if c.noError("NotifyRegistrationStatus", err) {
		c.equal("the server's callback", s.nextLine(), "registered")
	}
}

func checkDRA(c *checker, s *server, dial dialer) {
	connection, err := dial(s.dra)
	if !c.noError("dial the DRA socket", err) {
		return
	}
	defer connection.Close()
	checkDRAv1(c, drav1.NewDRAPluginClient(connection))
	checkDRAv1beta1(c, drav1beta1.NewDRAPluginClient(connection))
}

func checkDRAv1(c *checker, client drav1.DRAPluginClient) {
	ctx, cancel := inTime()
	defer cancel()
	claims := []*drav1.Claim{
		{Namespace: "team-a", Name: "train", Uid: "u-1"},
		{Namespace: "team-b", Name: "lost", Uid: "fail-2"},
		{Namespace: "team-a", Name: "train", Uid: "u-1"},
	}
	prepared, err := client.NodePrepareResources(ctx, &drav1.NodePrepareResourcesRequest{Claims: claims})
	if c.noError("v1 NodePrepareResources", err) {
		c.sameMessage("v1 NodePrepareResources", prepared, &drav1.NodePrepareResourcesResponse{
			Claims: map[string]*drav1.NodePrepareResourceResponse{
				"u-1": {Devices: []*drav1.Device{
					{RequestNames: []string{"gpu", "nic"}, PoolName: "team-a", DeviceName: "train",
						CdiDeviceIds: []string{"example.com/gpu=u-1", "example.com/gpu=ümlaut"},
						ShareId:      proto.String("share-u-1")},
					{PoolName: "pool", DeviceName: "bare"},
				}},
				"fail-2": {Error: "error preparing devices for claim fail-2: no claim team-b/lost"},
			},
		})
	}
	empty, err := client.NodePrepareResources(ctx, &drav1.NodePrepareResourcesRequest{})
	if c.noError("v1 NodePrepareResources without claims", err) {
		c.sameMessage("v1 NodePrepareResources without claims", empty, &drav1.NodePrepareResourcesResponse{})
	}
	unprepared, err := client.NodeUnprepareResources(ctx, &drav1.NodeUnprepareResourcesRequest{Claims: claims})
	if c.noError("v1 NodeUnprepareResources", err) {
		c.sameMessage("v1 NodeUnprepareResources", unprepared, &drav1.NodeUnprepareResourcesResponse{
			Claims: map[string]*drav1.NodeUnprepareResourceResponse{
				"u-1":    {},
				"fail-2": {Error: "error unpreparing devices for claim fail-2: cannot remove team-b/lost"},
			},
		})
	}
}

func checkDRAv1beta1(c *checker, client drav1beta1.DRAPluginClient) {
	ctx, cancel := inTime()
	defer cancel()
	claims := []*drav1beta1.Claim{
		{Namespace: "team-a", Name: "train", Uid: "u-1"},
		{Namespace: "team-b", Name: "lost", Uid: "fail-2"},
	}
	prepared, err := client.NodePrepareResources(ctx, &drav1beta1.NodePrepareResourcesRequest{Claims: claims})
	if c.noError("v1beta1 NodePrepareResources", err) {
		c.sameMessage("v1beta1 NodePrepareResources", prepared, &drav1beta1.NodePrepareResourcesResponse{
			Claims: map[string]*drav1beta1.NodePrepareResourceResponse{
				"u-1": {Devices: []*drav1beta1.Device{
					{RequestNames: []string{"gpu", "nic"}, PoolName: "team-a", DeviceName: "train",
						CdiDeviceIds: []string{"example.com/gpu=u-1", "example.com/gpu=ümlaut"}},
					{PoolName: "pool", DeviceName: "bare"},
				}},
				"fail-2": {Error: "error preparing devices for claim fail-2: no claim team-b/lost"},
			},
		})
	}
	unprepared, err := client.NodeUnprepareResources(ctx, &drav1beta1.NodeUnprepareResourcesRequest{Claims: claims})
	if c.noError("v1beta1 NodeUnprepareResources", err) {
		c.sameMessage("v1beta1 NodeUnprepareResources", unprepared, &drav1beta1.NodeUnprepareResourcesResponse{
			Claims: map[string]*drav1beta1.NodeUnprepareResourceResponse{
				"u-1":    {},
				"fail-2": {Error: "error unpreparing devices for claim fail-2: cannot remove team-b/lost"},
			},
		})
	}
}

// health is what both generations of DeviceHealth have.
type health interface {
	GetLastUpdatedTime() int64
	GetHealthCheckTimeoutSeconds() int64
	GetMessage() string
}

func (c *checker) deviceHealth(name string, one health, pool, device, state string) {
	c.equal(name+" device", pool+"/"+device+" "+state, "node-a/"+name+" HEALTHY")
	c.equal(name+" lease", one.GetHealthCheckTimeoutSeconds(), 30)
	c.equal(name+" message", one.GetMessage(), "")
	if age := time.Since(time.Unix(one.GetLastUpdatedTime(), 0)); age < -time.Second || age > time.Minute {
		c.failf("%s was updated %v ago", name, age)
	}
}

func checkHealthStreams(c *checker, s *server, dial dialer) {
	connection, err := dial(s.dra)
	if !c.noError("dial the DRA socket", err) {
		return
	}
	defer connection.Close()
	ctx, cancel := inTime()
	defer cancel()

	v1, err := healthv1.NewDRAResourceHealthClient(connection).NodeWatchResources(ctx,
		&healthv1.NodeWatchResourcesRequest{})
	if c.noError("v1 NodeWatchResources", err) {
		if report, err := v1.Recv(); c.noError("v1 health report", err) {
			c.equal("v1 devices", len(report.Devices), 2)
			for i, one := range report.Devices {
				c.deviceHealth(fmt.Sprintf("gpu-%d", i), one, one.GetDevice().GetPoolName(),
					one.GetDevice().GetDeviceName(), one.GetHealth().String())
			}
		}
	}
	v1alpha1, err := healthv1alpha1.NewDRAResourceHealthClient(connection).NodeWatchResources(ctx,
		&healthv1alpha1.NodeWatchResourcesRequest{})
	if c.noError("v1alpha1 NodeWatchResources", err) {
		if report, err := v1alpha1.Recv(); c.noError("v1alpha1 health report", err) {
			c.equal("v1alpha1 devices", len(report.Devices), 2)
			for i, one := range report.Devices {
				c.deviceHealth(fmt.Sprintf("gpu-%d", i), one, one.GetDevice().GetPoolName(),
					one.GetDevice().GetDeviceName(), one.GetHealth().String())
			}
		}
	}
}

func checkProbe(c *checker, s *server) {
	connection, err := grpc.NewClient("127.0.0.1:"+s.healthPort,
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if !c.noError("dial the health port", err) {
		return
	}
	defer connection.Close()
	client := grpc_health_v1.NewHealthClient(connection)
	ctx, cancel := inTime()
	defer cancel()
	for _, service := range []string{"", "liveness"} {
		answer, err := client.Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: service})
		if c.noError("Check", err) {
			c.equal("health of "+service, answer.Status, grpc_health_v1.HealthCheckResponse_SERVING)
		}
	}
	_, err = client.Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: "nonsense"})
	c.equal("Check of nonsense", status.Code(err), codes.NotFound)
	c.equal("Check of nonsense", status.Convert(err).Message(), "unknown service")
	if watch, err := client.Watch(ctx, &grpc_health_v1.HealthCheckRequest{}); c.noError("Watch", err) {
		_, err := watch.Recv()
		c.equal("Watch", status.Code(err), codes.Unimplemented)
		c.equal("Watch is over", err == io.EOF, false)
	}
}
