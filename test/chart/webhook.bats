#!/usr/bin/env bats
# The objects of the admission webhook.
# shellcheck disable=SC2030,SC2031 # each test has variables of its own

setup() {
  # shellcheck source=test/chart/helpers.bash
  . "$BATS_TEST_DIRNAME/helpers.bash"
}

# own ARGUMENT... — a certificate that cert-manager does not make.
own() {
  "$@" --set webhook.enabled=true,webhook.tls.secretName=mine,webhook.tls.caBundle=Q0E=
}

@test "the webhook is not there unless it is asked for" {
  lacks "$(render)" webhook
}

@test "its objects have the names of the reference chart" {
  all="$(named "$(render --no-hooks --set webhook.enabled=true)")"
  same "$(grep webhook <<<"$all")" "\
Certificate/sim-dra-driver-sim-gpu-webhook-cert
Deployment/sim-dra-driver-sim-gpu-webhook
Issuer/sim-dra-driver-sim-gpu-webhook-issuer
Service/sim-dra-driver-sim-gpu-webhook
ServiceAccount/sim-dra-driver-sim-gpu-webhook-service-account
ValidatingWebhookConfiguration/sim-dra-driver-sim-gpu-webhook-config"
}

@test "cert-manager makes the certificate, for the name that API servers call" {
  certificate="$(show webhook-certificate --set webhook.enabled=true)"
  contains "$certificate" "
    - sim-dra-driver-sim-gpu-webhook.dra.svc
"
  contains "$certificate" "secretName: sim-dra-driver-sim-gpu-webhook-cert"
  contains "$(show webhook-deployment --set webhook.enabled=true)" "secretName: sim-dra-driver-sim-gpu-webhook-cert"
  configuration="$(show webhook-configuration --set webhook.enabled=true)"
  contains "$configuration" "cert-manager.io/inject-ca-from: dra/sim-dra-driver-sim-gpu-webhook-cert"
  lacks "$configuration" caBundle
}

@test "with a Secret of one's own nothing of cert-manager is needed" {
  everything="$(own render)"
  lacks "$everything" cert-manager
  contains "$everything" "secretName: mine"
  contains "$(own show webhook-configuration)" "
      caBundle: Q0E=
"
}

@test "the issuers' certificates may be given in PEM" {
  printf -- '-----BEGIN CERTIFICATE-----\nQ0E=\n-----END CERTIFICATE-----\n' >"$BATS_TEST_TMPDIR/ca.crt"
  configuration="$(show webhook-configuration --set webhook.enabled=true,webhook.tls.secretName=mine \
    --set-file webhook.tls.caBundle="$BATS_TEST_TMPDIR/ca.crt")"
  contains "$configuration" "caBundle: $(base64 -w 0 "$BATS_TEST_TMPDIR/ca.crt")"
}

@test "a Secret without its issuers, or issuers without a Secret, are refused" {
  refuses "webhook.tls.secretName and webhook.tls.caBundle belong together" --set webhook.tls.secretName=mine
  refuses "Set both, or none to let cert-manager make a certificate." --set webhook.tls.caBundle=Q0E=
}

@test "API servers send claims and templates of every version" {
  configuration="$(show webhook-configuration --set webhook.enabled=true)"
  contains "$configuration" "
      - apiGroups: [resource.k8s.io]
        apiVersions: [v1beta1, v1beta2, v1]
        operations: [CREATE, UPDATE]
        resources: [resourceclaims, resourceclaimtemplates]
        scope: Namespaced
"
  contains "$configuration" "path: /validate-resource-claim-parameters"
  contains "$configuration" "name: dra.example.com"
  contains "$configuration" "admissionReviewVersions: [v1]"
  contains "$configuration" "sideEffects: None"
}

@test "only parameters for this driver depend on the webhook" {
  contains "$(show webhook-configuration --set webhook.enabled=true,driverName=my.example.com)" \
    "config.exists(c, has(c.opaque) && c.opaque.driver == 'my.example.com')"
}

@test "what happens while it does not answer can be chosen" {
  contains "$(show webhook-configuration --set webhook.enabled=true)" "failurePolicy: Fail"
  contains "$(show webhook-configuration --set webhook.enabled=true)" "timeoutSeconds: 10"
  configuration="$(show webhook-configuration --set webhook.enabled=true,webhook.failurePolicy=Ignore,webhook.timeoutSeconds=3)"
  contains "$configuration" "failurePolicy: Ignore"
  contains "$configuration" "timeoutSeconds: 3"
}

@test "the namespaces of the cluster and of the driver are left alone unless others are named" {
  contains "$(show webhook-configuration --set webhook.enabled=true)" "
        - key: kubernetes.io/metadata.name
          operator: NotIn
          values: [kube-system, dra]
"
  configuration="$(show webhook-configuration --set webhook.enabled=true --set webhook.namespaceSelector.matchLabels.gpus=yes)"
  contains "$configuration" "
    namespaceSelector:
      matchLabels:
        gpus: \"yes\"
"
  lacks "$configuration" NotIn
}

@test "it is told what the driver is told" {
  deployment="$(show webhook-deployment --set webhook.enabled=true,webhook.containerPort=8443,driverName=my.example.com)"
  contains "$deployment" "
          command: [dra-sim-gpu, webhook]
          args:
            - --tls-cert-file=/cert/tls.crt
            - --tls-private-key-file=/cert/tls.key
            - --port=8443
            - --device-profile=gpu
            - --driver-name=my.example.com
"
  contains "$deployment" "containerPort: 8443"
}

@test "probes ask for readiness over HTTPS" {
  same "$(show webhook-deployment --set webhook.enabled=true | grep -c 'path: /readyz')" 2
  same "$(show webhook-deployment --set webhook.enabled=true | grep -c 'scheme: HTTPS')" 2
}

@test "it has no privileges, no token and no root" {
  deployment="$(show webhook-deployment --set webhook.enabled=true)"
  contains "$deployment" "
          securityContext:
            allowPrivilegeEscalation: false
            capabilities:
              drop:
              - ALL
            privileged: false
            readOnlyRootFilesystem: true
            runAsGroup: 65532
            runAsNonRoot: true
            runAsUser: 65532
            seccompProfile:
              type: RuntimeDefault
"
  contains "$deployment" "automountServiceAccountToken: false"
  contains "$deployment" "
        - name: net.ipv4.ip_unprivileged_port_start
          value: \"0\"
"
  lacks "$deployment" hostPath
}

@test "a values file that says privileged gets a form that Kubernetes takes" {
  lacks "$(show webhook-deployment --set webhook.enabled=true,webhook.containers.webhook.securityContext.privileged=true)" \
    allowPrivilegeEscalation
}

@test "Service and Deployment mean the same pods, and not those of the DaemonSet" {
  contains "$(show webhook-service --set webhook.enabled=true)" "
  selector:
    app.kubernetes.io/component: webhook
    app.kubernetes.io/instance: sim
    app.kubernetes.io/name: dra-driver-sim-gpu
"
  contains "$(show webhook-deployment --set webhook.enabled=true,selectorLabelsOverride.app=mine)" "
    matchLabels:
      app: mine
      app.kubernetes.io/component: webhook
"
  contains "$(show webhook-configuration --set webhook.enabled=true,webhook.servicePort=8443)" "port: 8443"
  contains "$(show webhook-service --set webhook.enabled=true,webhook.servicePort=8443)" "
      port: 8443
      targetPort: webhook"
}

@test "its account is only created if asked for" {
  set_none=webhook.enabled=true,webhook.serviceAccount.create=false
  lacks "$(render --set "$set_none")" "webhook-service-account"
  contains "$(show webhook-deployment --set "$set_none")" "serviceAccountName: default"
  contains "$(show webhook-deployment --set "$set_none,webhook.serviceAccount.name=theirs")" "serviceAccountName: theirs"
}

@test "a network policy lets it be called and calls nobody" {
  policy="$(show networkpolicy --set webhook.enabled=true,networkPolicy.enabled=true)"
  contains "$policy" "name: sim-dra-driver-sim-gpu-webhook"
  contains "$policy" "
          port: 443"
  lacks "$(show networkpolicy --set networkPolicy.enabled=true)" webhook
}

@test "namespaceOverride moves it, too" {
  everything="$(render --set webhook.enabled=true,networkPolicy.enabled=true,namespaceOverride=elsewhere)"
  lacks "$everything" "namespace: dra"
  contains "$everything" "sim-dra-driver-sim-gpu-webhook.elsewhere.svc"
  contains "$everything" "inject-ca-from: elsewhere/"
  contains "$everything" "values: [kube-system, elsewhere]"
}

@test "wrong values of the webhook are refused" {
  refuses "at '/webhook/failurePolicy': value must be one of 'Fail', 'Ignore'" --set webhook.failurePolicy=Maybe
  refuses "at '/webhook/timeoutSeconds': maximum: got 31, want 30" --set webhook.timeoutSeconds=31
  refuses "at '/webhook/replicas': minimum: got 0, want 1" --set webhook.replicas=0
  refuses "at '/webhook/tls': additional properties 'secret' not allowed" --set webhook.tls.secret=x
  refuses "at '/webhook/containerPort': maximum: got 65,536, want 65,535" --set webhook.containerPort=65536
}
