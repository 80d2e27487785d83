package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v2"
	drav1 "k8s.io/kubelet/pkg/apis/dra/v1"
)

// specDirectory is where a driver leaves what the container runtime injects.
type specDirectory string

type cdiSpec struct {
	Kind    string `yaml:"kind"`
	Devices []struct {
		Name  string `yaml:"name"`
		Edits struct {
			Env []string `yaml:"env"`
		} `yaml:"containerEdits"`
	} `yaml:"devices"`
}

// devices returns the environment that each CDI device gives, by its qualified name.
func (s specDirectory) devices() (map[string][]string, error) {
	devices := map[string][]string{}
	files, err := filepath.Glob(filepath.Join(string(s), "*.yaml"))
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var spec cdiSpec
		if err := yaml.Unmarshal(content, &spec); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		for _, device := range spec.Devices {
			devices[spec.Kind+"="+device.Name] = device.Edits.Env
		}
	}
	return devices, nil
}

// checkPrepared makes sure that each claim was answered with its device, and that a container would get that device with
// the claim's parameters.
func (s specDirectory) checkPrepared(claims []claim, answers prepared) error {
	injected, err := s.devices()
	if err != nil {
		return err
	}
	for _, one := range claims {
		if err := checkAnswer(one, answers[one.uid], injected); err != nil {
			return fmt.Errorf("claim %s was not prepared properly: %w", one.name, err)
		}
	}
	return nil
}

func checkAnswer(c claim, devices []*drav1.Device, injected map[string][]string) error {
	if len(devices) != 1 {
		return fmt.Errorf("%d devices instead of one", len(devices))
	}
	device := devices[0]
	if device.PoolName != nodeName || device.DeviceName != c.device || device.GetShareId() != c.shareID {
		return fmt.Errorf("got %s/%s/%s instead of %s/%s/%s", device.PoolName, device.DeviceName, device.GetShareId(),
			nodeName, c.device, c.shareID)
	}
	number := strings.TrimPrefix(c.device, "gpu-")
	missing := map[string]bool{
		"GPU_DEVICE_" + number + "=" + c.device:                 true,
		"GPU_DEVICE_" + number + "_TIMESLICE_INTERVAL=Long":     true,
		"GPU_DEVICE_GPU_" + number + "_RESOURCE_CLAIM=" + c.uid: true,
	}
	for _, id := range device.CdiDeviceIds {
		environment, known := injected[id]
		if !known {
			return fmt.Errorf("no CDI device %s", id)
		}
		for _, variable := range environment {
			delete(missing, variable)
		}
	}
	for variable := range missing {
		return fmt.Errorf("its container would lack %s", variable)
	}
	return nil
}

// checkUnprepared makes sure that nothing is left of the claims.
func (s specDirectory) checkUnprepared(claims []claim) error {
	files, err := os.ReadDir(string(s))
	if err != nil {
		return err
	}
	var names strings.Builder
	for _, file := range files {
		names.WriteString(file.Name() + "\n")
	}
	for _, one := range claims {
		if strings.Contains(names.String(), one.uid) {
			return fmt.Errorf("claim %s was unprepared, but its CDI spec is there", one.name)
		}
	}
	return nil
}
