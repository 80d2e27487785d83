package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"time"
)

const (
	driverName = "gpu.example.com"
	nodeName   = "bench-node"
	namespace  = "default"
	apiGroup   = "/apis/resource.k8s.io/v1"
)

// object is an API object, as JSON has it.
type object = map[string]any

// apiClient is an administrator: it does what users, the scheduler and the kubelet would do.
type apiClient struct {
	server string
	token  string
	accept string // media type of the answers; whatever the server likes if empty, which is JSON
	http   *http.Client
}

// newAPIClient trusts the certificate authority in caFile.
func newAPIClient(server, caFile, token string) (*apiClient, error) {
	roots, err := loadRoots(caFile)
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}
	return &apiClient{server: server, token: token, http: &http.Client{Transport: transport, Timeout: time.Minute}}, nil
}

func loadRoots(caFile string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s has no certificate", caFile)
	}
	return roots, nil
}

// call decodes the answer into `answer`, unless that is nil. Any status but 2xx is an error.
func (a *apiClient) call(ctx context.Context, method, path, contentType string, body, answer any) error {
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		content = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, a.server+path, content)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+a.token)
	request.Header.Set("Content-Type", contentType)
	if a.accept != "" {
		request.Header.Set("Accept", a.accept)
	}
	response, err := a.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s: %s: %s", method, path, response.Status, bytes.TrimSpace(text))
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(text, answer)
}

func (a *apiClient) get(ctx context.Context, path string, answer any) error {
	return a.call(ctx, http.MethodGet, path, "", nil, answer)
}

func (a *apiClient) create(ctx context.Context, path string, body, answer any) error {
	return a.call(ctx, http.MethodPost, path, "application/json", body, answer)
}

// awaitServer waits until the API server can be used, and makes the node that owns the slices.
func (a *apiClient) awaitServer(ctx context.Context) error {
	for {
		err := a.get(ctx, "/api/v1/namespaces/"+namespace, nil)
		if err == nil {
			break
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the API server is not ready: %w", err)
		case <-time.After(100 * time.Millisecond):
		}
	}
	return a.create(ctx, "/api/v1/nodes",
		object{"apiVersion": "v1", "kind": "Node", "metadata": object{"name": nodeName}}, nil)
}

// claim is a ResourceClaim that is allocated already.
type claim struct {
	name, uid, device, shareID string
}

func claimPath(name string) string {
	return apiGroup + "/namespaces/" + namespace + "/resourceclaims/" + name
}

// createClaims makes `count` claims of one device each. With `shared` each holds a share of one of `devices`; without, a
// device of its own.
func (a *apiClient) createClaims(ctx context.Context, prefix string, count, devices int, shared bool) ([]claim, error) {
	claims := make([]claim, count)
	failures := make([]error, count)
	var group sync.WaitGroup
	slots := make(chan struct{}, 16)
	for i := range claims {
		slots <- struct{}{}
		group.Go(func() {
			claims[i] = claim{name: fmt.Sprintf("%s-%d", prefix, i), device: fmt.Sprintf("gpu-%d", i%devices)}
			if shared {
				claims[i].shareID = fmt.Sprintf("5ba2e000-0000-4000-8000-%012d", i)
			}
			failures[i] = a.createClaim(ctx, &claims[i])
			<-slots
		})
	}
	group.Wait()
	for _, err := range failures {
		if err != nil {
			return nil, err
		}
	}
	return claims, nil
}

// createClaim creates the claim and then allocates it, as the scheduler would. It comes with parameters, as a user gives
// them who shares a GPU.
func (a *apiClient) createClaim(ctx context.Context, c *claim) error {
	parameters := object{"requests": []string{"gpu"}, "opaque": object{"driver": driverName, "parameters": object{
		"apiVersion": "gpu.resource.example.com/v1alpha1", "kind": "GpuConfig",
		"sharing": object{"strategy": "TimeSlicing", "timeSlicingConfig": object{"interval": "Long"}},
	}}}
	created := struct{ Metadata struct{ UID string } }{}
	err := a.create(ctx, apiGroup+"/namespaces/"+namespace+"/resourceclaims", object{
		"apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaim", "metadata": object{"name": c.name},
		"spec": object{"devices": object{
			"requests": []object{{"name": "gpu", "exactly": object{"deviceClassName": driverName}}},
			"config":   []object{parameters},
		}},
	}, &created)
	if err != nil {
		return err
	}
	c.uid = created.Metadata.UID
	result := object{"request": "gpu", "driver": driverName, "pool": nodeName, "device": c.device}
	if c.shareID != "" {
		result["shareID"] = c.shareID
		result["consumedCapacity"] = object{"memory": "1Gi", "compute": "1"}
	}
	allocated := object{"source": "FromClaim", "requests": parameters["requests"], "opaque": parameters["opaque"]}
	return a.call(ctx, http.MethodPatch, claimPath(c.name)+"/status", "application/merge-patch+json", object{
		"status": object{"allocation": object{"devices": object{"results": []object{result}, "config": []object{allocated}}}},
	}, nil)
}

func (a *apiClient) deleteSlices(ctx context.Context) error {
	return a.call(ctx, http.MethodDelete, apiGroup+"/resourceslices", "", nil, nil)
}

// publishedDevices counts the devices of the pool's newest generation; 0 if not all of its slices are there.
func (a *apiClient) publishedDevices(ctx context.Context) (int, error) {
	var list struct {
		Items []struct {
			Spec struct {
				Pool    struct{ Generation, ResourceSliceCount int }
				Devices []struct{}
			}
		}
	}
	if err := a.get(ctx, apiGroup+"/resourceslices", &list); err != nil {
		return 0, err
	}
	newest, found, devices := -1, 0, 0
	for _, item := range list.Items {
		if item.Spec.Pool.Generation > newest {
			newest, found, devices = item.Spec.Pool.Generation, 0, 0
		}
		if item.Spec.Pool.Generation == newest {
			found++
			devices += len(item.Spec.Devices)
		}
		if found == item.Spec.Pool.ResourceSliceCount && found > 0 {
			return devices, nil
		}
	}
	return 0, nil
}
