{{/* What Prometheus' operator reads. */}}

{{- define "common.monitor" -}}
{{- $metrics := .Values.metrics -}}
{{- if or $metrics.serviceMonitor.enabled $metrics.podMonitor.enabled -}}
{{- $kind := ternary "ServiceMonitor" "PodMonitor" $metrics.serviceMonitor.enabled -}}
{{- $monitor := ternary $metrics.serviceMonitor $metrics.podMonitor $metrics.serviceMonitor.enabled -}}
apiVersion: monitoring.coreos.com/v1
kind: {{ $kind }}
metadata:
  name: {{ include "common.fullname" . }}
  namespace: {{ $monitor.namespace | default (include "common.namespace" .) }}
  labels:
    {{- include "common.labels" . | nindent 4 }}
    {{- with $monitor.labels }}
    {{- tpl (toYaml .) $ | nindent 4 }}
    {{- end }}
spec:
  namespaceSelector:
    matchNames: [{{ include "common.namespace" . }}]
  selector:
    matchLabels:
      {{- include "common.selectorLabels" . | nindent 6 }}
  {{ ternary "endpoints" "podMetricsEndpoints" $metrics.serviceMonitor.enabled }}:
    - port: admin
      path: /metrics
      interval: {{ $monitor.interval }}
      {{- with $monitor.relabelings }}
      relabelings:
        {{- toYaml . | nindent 8 }}
      {{- end }}
{{- end }}
{{- end }}

{{/*
(list . RULES): RULES is YAML, a map from the alert's key in metrics.prometheusRule.alerts to {alert, expr, summary}.
{selector} in an expression becomes the labels of this part's pods.
*/}}
{{- define "common.prometheusRule" -}}
{{- $ctx := index . 0 -}}
{{- $rules := index . 1 | fromYaml -}}
{{- $values := $ctx.Values.metrics.prometheusRule -}}
{{- $selector := printf `namespace="%s",pod=~"%s-.*"` (include "common.namespace" $ctx) (include "common.fullname" $ctx) -}}
{{- if $values.enabled -}}
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: {{ include "common.fullname" $ctx }}
  namespace: {{ $values.namespace | default (include "common.namespace" $ctx) }}
  labels:
    {{- include "common.labels" $ctx | nindent 4 }}
    {{- with $values.labels }}
    {{- tpl (toYaml .) $ctx | nindent 4 }}
    {{- end }}
spec:
  groups:
    - name: {{ include "common.fullname" $ctx }}
      rules:
        {{- $count := 0 }}
        {{- range $key, $rule := $rules }}
        {{- $alert := index $values.alerts $key }}
        {{- if $alert.enabled }}
        {{- $count = add $count 1 }}
        - alert: {{ $rule.alert }}
          expr: {{ $rule.expr | replace "{selector}" (printf "{%s}" $selector) | replace "{and-selector}" $selector | quote }}
          for: {{ $alert.for }}
          labels:
            severity: {{ $alert.severity }}
          annotations:
            summary: {{ $rule.summary | quote }}
        {{- end }}
        {{- end }}
        {{- if not $count }}
        []
        {{- end }}
      {{- end }}
{{- end }}
