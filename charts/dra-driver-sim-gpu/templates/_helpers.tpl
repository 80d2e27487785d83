{{/* Names and labels are made as in the chart of dra-example-driver, so that values files and selectors fit both. */}}

{{- define "simgpu.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "simgpu.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains (default .Chart.Name .Values.nameOverride) .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (default .Chart.Name .Values.nameOverride) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "simgpu.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride -}}
{{- end -}}

{{- define "simgpu.driverName" -}}
{{- default (printf "%s.example.com" .Values.deviceProfile) .Values.driverName -}}
{{- end -}}

{{- define "simgpu.image" -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}

{{/* The account of the DaemonSet. The role binding and the admission policy must mean the same one. */}}
{{- define "simgpu.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (printf "%s-service-account" (include "simgpu.fullname" .)) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* Labels of every pod; what the values name wins, and no label is there twice. */}}
{{- define "simgpu.podLabels" -}}
{{- $own := dict "app.kubernetes.io/name" (include "simgpu.name" .) "app.kubernetes.io/instance" .Release.Name -}}
{{- toYaml (merge (dict) (default (dict) .Values.selectorLabelsOverride) $own) -}}
{{- end -}}

{{/* Labels of an object: include "simgpu.labels" (list . "component"), or (list . "") for one that belongs to no component. */}}
{{- define "simgpu.labels" -}}
{{- $root := index . 0 -}}
{{- $chart := printf "%s-%s" (default $root.Chart.Name $root.Values.nameOverride) $root.Chart.Version -}}
{{- $labels := include "simgpu.podLabels" $root | fromYaml -}}
{{- $_ := set $labels "helm.sh/chart" ($chart | replace "+" "_" | trunc 63 | trimSuffix "-") -}}
{{- $_ := set $labels "app.kubernetes.io/managed-by" $root.Release.Service -}}
{{- $_ := set $labels "app.kubernetes.io/version" $root.Chart.AppVersion -}}
{{- with index . 1 -}}
{{- $_ := set $labels "app.kubernetes.io/component" . -}}
{{- end -}}
{{- toYaml $labels -}}
{{- end -}}

{{/* Labels that select the pods of a component: include "simgpu.selector" (list . "webhook"). */}}
{{- define "simgpu.selector" -}}
{{- $root := index . 0 -}}
{{- $component := dict "app.kubernetes.io/component" (index . 1) -}}
{{- $labels := $root.Values.selectorLabelsOverride -}}
{{- if not $labels -}}
{{- $labels = include "simgpu.podLabels" $root | fromYaml -}}
{{- end -}}
{{- toYaml (merge $component $labels) -}}
{{- end -}}

{{/* Labels that select the pods of the DaemonSet. */}}
{{- define "simgpu.pluginSelector" -}}
{{- include "simgpu.selector" (list . "kubeletplugin") -}}
{{- end -}}

{{/*
The security context of a container: include "simgpu.securityContext" $values. Kubernetes refuses a container that is
privileged and says that privileges cannot escalate. Who takes over a values file with "privileged: true" has not said
the latter; it is our default.
*/}}
{{- define "simgpu.securityContext" -}}
{{- $context := deepCopy (default (dict) .) -}}
{{- if $context.privileged -}}
{{- $context = omit $context "allowPrivilegeEscalation" -}}
{{- end -}}
{{- toYaml $context -}}
{{- end -}}

{{/* The account of the webhook, which has no rights. */}}
{{- define "simgpu.webhookServiceAccountName" -}}
{{- $account := .Values.webhook.serviceAccount -}}
{{- if $account.create -}}
{{- default (printf "%s-webhook-service-account" (include "simgpu.fullname" .)) $account.name -}}
{{- else -}}
{{- default "default" $account.name -}}
{{- end -}}
{{- end -}}

{{/* The account of the controller, which may do more to claims than that of the DaemonSet. */}}
{{- define "simgpu.controllerServiceAccountName" -}}
{{- $account := .Values.controller.serviceAccount -}}
{{- if $account.create -}}
{{- default (printf "%s-controller-service-account" (include "simgpu.fullname" .)) $account.name -}}
{{- else -}}
{{- default "default" $account.name -}}
{{- end -}}
{{- end -}}

{{/* The Secret with the webhook's certificate: a ready-made one, or cert-manager's. */}}
{{- define "simgpu.webhookSecretName" -}}
{{- default (printf "%s-webhook-cert" (include "simgpu.fullname" .)) .Values.webhook.tls.secretName -}}
{{- end -}}
