#!/usr/bin/env bats
# What the unit tests rely on in the stand-in API server holds for this one, too.
bats_require_minimum_version 1.5.0
load lib

@test "the contract tests of the stand-in API server pass on this one" {
  "$ROOT/hack/build.sh" debug contract_test >"$BATS_TEST_TMPDIR/build.log" 2>&1 || {
    tail -n 30 "$BATS_TEST_TMPDIR/build.log"
    echo "cannot build the contract tests; hack/install-deps.sh installs what they need"
    return 1
  }
  SIMGPU_CONTRACT_KUBECONFIG="$KUBECONFIG" "$(find "$ROOT/build/debug" -name contract_test -type f)" --gtest_brief=1
}
