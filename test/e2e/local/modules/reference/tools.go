// Package tools names the reference driver whose node is taken over, and given back, in the tests.
package tools

import (
	_ "sigs.k8s.io/dra-example-driver/cmd/dra-example-kubeletplugin"
)
