package main

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// imageSize is what the files of a container image take when it is unpacked, in MiB. The image is a docker archive, as
// `docker save` and hack/image.sh write it; a file that two layers have counts twice.
func imageSize(archive string) (float64, error) {
	file, err := os.Open(archive)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	layers := map[string]int64{} // files of the archive that are archives themselves
	var manifests []struct{ Layers []string }
	err = forEachFile(file, func(name string, _ int64, content io.Reader) error {
		if name == "manifest.json" {
			return json.NewDecoder(content).Decode(&manifests)
		}
		var size int64
		if forEachFile(content, func(_ string, each int64, _ io.Reader) error { size += each; return nil }) == nil {
			layers[name] = size
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("%s: %w", archive, err)
	}
	if len(manifests) != 1 {
		return 0, fmt.Errorf("%s is no docker archive of one image", archive)
	}
	var total int64
	for _, name := range manifests[0].Layers {
		size, found := layers[name]
		if !found {
			return 0, fmt.Errorf("%s: the layer %s cannot be read; expected one that is not compressed", archive, name)
		}
		total += size
	}
	return float64(total) / (1 << 20), nil
}

func forEachFile(archive io.Reader, visit func(name string, size int64, content io.Reader) error) error {
	for reader := tar.NewReader(archive); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if header.Typeflag == tar.TypeReg {
			if err := visit(header.Name, header.Size, reader); err != nil {
				return err
			}
		}
	}
}
