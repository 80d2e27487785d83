// Package tools names the runtime that the local cluster runs.
package tools

import _ "github.com/opencontainers/runc"
