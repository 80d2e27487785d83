#!/usr/bin/env bats
# The scripts that make files of the chart find drift and mistakes.

setup() {
  # shellcheck source=test/chart/helpers.bash
  . "$BATS_TEST_DIRNAME/helpers.bash"
  copy="$BATS_TEST_TMPDIR/copy"
  mkdir -p "$copy/test/e2e"
  cp -r "$ROOT/hack" "$ROOT/charts" "$ROOT/deploy" "$copy/"
  PATH="$(dirname "$HELM"):$PATH"
}

@test "a value whose comment changed makes the table wrong" {
  sed -i 's/# -- Devices of each node\./# -- GPUs of each node./' "$copy/charts/dra-driver-sim-gpu/values.yaml"
  run "$copy/hack/chart-docs.sh" --check
  [[ "$status" == 1 ]]
  contains "$output" "the table of values is not that of charts/dra-driver-sim-gpu/values.yaml; run hack/chart-docs.sh"
  "$copy/hack/chart-docs.sh"
  "$copy/hack/chart-docs.sh" --check
  contains "$(cat "$copy/charts/dra-driver-sim-gpu/README.md")" "| \`kubeletPlugin.numDevices\` | \`8\` | GPUs of each node. |"
}

@test "a value without a comment is refused" {
  echo 'another: 1' >>"$copy/charts/dra-driver-sim-gpu/values.yaml"
  run "$copy/hack/chart-docs.sh"
  [[ "$status" == 1 ]]
  contains "$output" 'another: has no comment that starts with "# --"'
}

@test "a default over several lines is refused" {
  printf '# -- Some list.\nanother:\n  - 1\n' >>"$copy/charts/dra-driver-sim-gpu/values.yaml"
  run "$copy/hack/chart-docs.sh"
  [[ "$status" == 1 ]]
  contains "$output" 'another: has a comment for the table, but is a group of values'
}

@test "a manifest that was edited by hand is found" {
  sed -i 's/value: "9"/value: "10"/' "$copy/deploy/daemonset.yaml"
  run "$copy/hack/render-deploy.sh" --check
  [[ "$status" == 1 ]]
  contains "$output" "deploy/daemonset.yaml: not what the chart renders; run hack/render-deploy.sh"
  "$copy/hack/render-deploy.sh"
  "$copy/hack/render-deploy.sh" --check
}

@test "a manifest that the chart does not render is found" {
  touch "$copy/deploy/extra.yaml"
  run "$copy/hack/render-deploy.sh" --check
  [[ "$status" == 1 ]]
  contains "$output" "deploy/extra.yaml: hack/render-deploy.sh does not make this file"
}
