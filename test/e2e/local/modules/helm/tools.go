// Package tools names the Helm that the tests run where none is installed.
package tools

import _ "helm.sh/helm/v3/cmd/helm"
