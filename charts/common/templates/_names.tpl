{{/*
Names, labels, images. Every template here takes the root context of the chart that includes it.

A chart says what is special about it in one template, "<chart>.part", as YAML; its keys:
  adminPort      port of /livez, /readyz and /metrics
  flow           {name, port}: where spammers' flows come in, when they do
  ports          further ports of the pod and its Service: a list of {name, port}
  siteKey        whether it reads the site key
  env            environment of its own
  volumes, volumeMounts, podAnnotations    of its own
  ingress, egress    rules of its NetworkPolicy, beyond what all have
  kind           Deployment or StatefulSet
  strategy       how a Deployment's pods are replaced, where that is no choice
  hostNetwork, addCapabilities    what the gateway has beyond the others
  adminAddress   where the admin port listens; everywhere when absent
  adminService   name of the Service with the admin port; the full name when absent
  selfTest, selfTestEnv    arguments and environment of its own for the Pod of `helm test`
*/}}
{{- define "common.part" -}}
{{- include (printf "%s.part" .Chart.Name) . -}}
{{- end }}

{{/* Values that all charts of a release share: `global`, over these defaults. */}}
{{- define "common.global" -}}
{{- $defaults := dict
  "imageRegistry" "" "imagePullSecrets" list "site" "default"
  "nats" (dict "url" "" "existingSecret" "honeyspam-nats" "peers" list "tls" dict)
  "siteKey" (dict "existingSecret" "honeyspam-site-key" "key" "site-key")
  "podCIDRs" (list "10.0.0.0/8" "172.16.0.0/12" "192.168.0.0/16" "100.64.0.0/10")
  "gateway" (dict "namespace" "" "mode" "service" "nodeCIDRs" list)
  "commonLabels" dict "commonAnnotations" dict -}}
{{- mergeOverwrite $defaults (deepCopy (.Values.global | default dict)) | toYaml -}}
{{- end }}

{{- define "common.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end }}

{{/* (list . "api"): what the chart of that name calls its objects in this release. */}}
{{- define "common.fullnameOf" -}}
{{- $release := (index . 0).Release.Name -}}
{{- $name := index . 1 -}}
{{- if contains $name $release -}}
{{- $release | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" $release $name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{/* At most 52 characters: a StatefulSet's pods and the setup Job add up to 11 to it. */}}
{{- define "common.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- include "common.fullnameOf" (list . (include "common.name" .)) -}}
{{- end -}}
{{- end }}

{{- define "common.namespace" -}}
{{- .Values.namespaceOverride | default .Release.Namespace -}}
{{- end }}

{{- define "common.selectorLabels" -}}
app.kubernetes.io/name: {{ include "common.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: {{ .Chart.Name }}
{{- end }}

{{- define "common.labels" -}}
{{- $global := include "common.global" . | fromYaml -}}
{{ include "common.selectorLabels" . }}
app.kubernetes.io/part-of: honeyspam
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with merge (dict) (.Values.commonLabels | default dict) $global.commonLabels }}
{{ tpl (toYaml .) $ }}
{{- end }}
{{- end }}

{{/* (list . EXTRA): the metadata of an object; EXTRA is added to its name. */}}
{{- define "common.metadata" -}}
{{- $ctx := index . 0 -}}
{{- $global := include "common.global" $ctx | fromYaml -}}
name: {{ include "common.fullname" $ctx }}{{ index . 1 }}
namespace: {{ include "common.namespace" $ctx }}
labels:
  {{- include "common.labels" $ctx | nindent 2 }}
{{- with merge (dict) ($ctx.Values.commonAnnotations | default dict) $global.commonAnnotations }}
annotations:
  {{- tpl (toYaml .) $ctx | nindent 2 }}
{{- end }}
{{- end }}

{{/* registry/repository@digest, or :tag, or :appVersion. */}}
{{- define "common.image" -}}
{{- $global := include "common.global" . | fromYaml -}}
{{- $image := .Values.image -}}
{{- $registry := $image.registry | default $global.imageRegistry -}}
{{- with $registry }}{{ . }}/{{ end -}}
{{- $image.repository -}}
{{- if $image.digest }}@{{ $image.digest }}{{ else }}:{{ $image.tag | default .Chart.AppVersion }}{{ end -}}
{{- end }}

{{- define "common.imagePullSecrets" -}}
{{- $global := include "common.global" . | fromYaml -}}
{{- with concat $global.imagePullSecrets .Values.imagePullSecrets | uniq }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end }}

{{/* NAME_OF_A_SETTING from nameOfASetting; whole numbers stay whole. */}}
{{- define "common.settingsEnv" -}}
{{- range $name, $value := .Values.settings }}
- name: HS_{{ regexReplaceAll "([A-Z])" $name "_${1}" | upper }}
  value: {{ if kindIs "float64" $value }}{{ printf "%.0f" $value | quote }}{{ else }}{{ $value | toString | quote }}{{ end }}
{{- end }}
{{- end }}

{{- define "common.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "common.fullname" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end }}
