package main

import (
	"archive/tar"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	drav1 "k8s.io/kubelet/pkg/apis/dra/v1"
)

func TestAQuantileIsASample(t *testing.T) {
	s := &series{Samples: []float64{4, 1, 3, 2}}
	for q, want := range map[float64]float64{0: 1, 0.5: 2, 0.51: 3, 0.99: 4, 1: 4} {
		if got := s.quantile(q); got != want {
			t.Errorf("quantile %v: got %v, want %v", q, got, want)
		}
	}
	if got := s.median(); got != 2.5 {
		t.Errorf("median: got %v", got)
	}
	var missing *series
	if !math.IsNaN(missing.median()) || !math.IsNaN(missing.quantile(1)) {
		t.Error("a series that is not there has a value")
	}
}

func TestOnlyTheReadOfAClaimCountsAsItsRead(t *testing.T) {
	claims := apiGroup + "/namespaces/default/resourceclaims"
	for _, one := range []struct {
		exchange exchange
		name     string
		is       bool
	}{
		{exchange{method: http.MethodGet, path: claims + "/burst-1"}, "burst-1", true},
		{exchange{method: http.MethodGet, path: claims + "/burst-1", watch: true}, "", false},
		{exchange{method: http.MethodGet, path: claims + "/burst-1/status"}, "", false},
		{exchange{method: http.MethodPatch, path: claims + "/burst-1"}, "", false},
		{exchange{method: http.MethodGet, path: claims}, "", false},
	} {
		name, is := one.exchange.isClaimRead()
		if is != one.is || is && name != one.name {
			t.Errorf("%+v: got %q, %v", one.exchange, name, is)
		}
	}
}

func TestAnAnswerThatIsNotTheClaimsIsRefused(t *testing.T) {
	c := claim{name: "train", uid: "u-1", device: "gpu-7", shareID: "s-1"}
	good := func() (*drav1.Device, map[string][]string) {
		share := c.shareID
		return &drav1.Device{PoolName: nodeName, DeviceName: "gpu-7", ShareId: &share, CdiDeviceIds: []string{"a/b=common", "a/b=u-1"}},
			map[string][]string{"a/b=common": nil, "a/b=u-1": {"GPU_DEVICE_7=gpu-7", "GPU_DEVICE_7_TIMESLICE_INTERVAL=Long",
				"GPU_DEVICE_GPU_7_RESOURCE_CLAIM=u-1"}}
	}
	device, injected := good()
	if err := checkAnswer(c, []*drav1.Device{device}, injected); err != nil {
		t.Errorf("what is right is refused: %v", err)
	}
	for want, spoil := range map[string]func(*drav1.Device, map[string][]string){
		"instead of":    func(d *drav1.Device, _ map[string][]string) { d.DeviceName = "gpu-8" },
		"no CDI device": func(_ *drav1.Device, i map[string][]string) { delete(i, "a/b=u-1") },
		"_INTERVAL=Long": func(_ *drav1.Device, i map[string][]string) {
			i["a/b=u-1"][1] = "GPU_DEVICE_7_TIMESLICE_INTERVAL=Short"
		},
		"RESOURCE_CLAIM=u-1": func(_ *drav1.Device, i map[string][]string) { i["a/b=u-1"][2] = "GPU_DEVICE_GPU_7_RESOURCE_CLAIM=u-2" },
	} {
		device, injected := good()
		spoil(device, injected)
		if err := checkAnswer(c, []*drav1.Device{device}, injected); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("expected an error with %q, got: %v", want, err)
		}
	}
	if checkAnswer(c, nil, injected) == nil {
		t.Error("no device is accepted")
	}
}

func measured(mine, theirs float64) map[string]results {
	all := map[string]results{ours: {}, reference: {}, raised: {}, bareReads: {}}
	all[ours].add("cpu", "", mine)
	all[raised].add("cpu", "", theirs)
	return all
}

func TestATargetIsMetUpToItsLimit(t *testing.T) {
	cpu := target{"CPU", 0.5, true, "×", ratio(raised, "cpu", (*series).median), nil}
	if v := cpu.judge(measured(1, 2)); !v.Met || v.Measured != "0.50 ×" {
		t.Errorf("at the limit: %+v", v)
	}
	if v := cpu.judge(measured(1.1, 2)); v.Met {
		t.Errorf("beyond the limit: %+v", v)
	}
	if v := cpu.judge(map[string]results{}); v.Met || v.Measured != "" {
		t.Errorf("not measured: %+v", v)
	}
	cpu.or = &target{"of something else", 1, true, "", func(map[string]results) float64 { return 1 }, nil}
	if v := cpu.judge(measured(3, 2)); !v.Met {
		t.Errorf("the other way to meet it does not count: %+v", v)
	}
}

func TestAnImageIsTheFilesOfItsLayers(t *testing.T) {
	pack := func(files map[string]string) string {
		var packed strings.Builder
		writer := tar.NewWriter(&packed)
		for name, content := range files {
			if err := writer.WriteHeader(&tar.Header{Name: name, Size: int64(len(content)), Mode: 0o600}); err != nil {
				t.Fatal(err)
			}
			if _, err := writer.Write([]byte(content)); err != nil {
				t.Fatal(err)
			}
		}
		writer.Close()
		return packed.String()
	}
	save := func(content string) string {
		file := filepath.Join(t.TempDir(), "image.tar")
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	layer := pack(map[string]string{"a": strings.Repeat("x", 1<<20), "b": strings.Repeat("y", 2<<20)})
	manifest := `[{"Config":"config.json","Layers":["1.tar"]}]`

	size, err := imageSize(save(pack(map[string]string{"manifest.json": manifest, "1.tar": layer, "config.json": "{}"})))

	if err != nil || size != 3 {
		t.Errorf("got %v MiB, %v", size, err)
	}
	for _, wrong := range []string{"no archive", pack(map[string]string{"1.tar": layer}),
		pack(map[string]string{"manifest.json": manifest}), pack(map[string]string{"manifest.json": manifest, "1.tar": "compressed"})} {
		if size, err := imageSize(save(wrong)); err == nil {
			t.Errorf("%.20q: got %v MiB", wrong, size)
		}
	}
}
