{{- define "common.notes" -}}
{{- $nats := include "common.nats" . | fromYaml -}}
{{ .Chart.Name }} {{ .Chart.AppVersion }} is release {{ .Release.Name }} in namespace {{ include "common.namespace" . }}.
It needs the Secret {{ $nats.existingSecret }} (key {{ .Chart.Name }}){{ if (include "common.part" . | fromYaml).siteKey }} and the site's key{{ end }}, and reaches NATS at {{ $nats.url }}.
{{- if not .Values.networkPolicy.enabled }}
WARNING: networkPolicy.enabled is false: nothing keeps a stolen trap from reaching out.
{{- end }}
{{- range .Values.extraEnv }}
{{- if and .value (regexMatch "(?i)(password|token|secret|key)$" .name) }}
WARNING: extraEnv {{ .name }} looks like a secret typed inline: use valueFrom.secretKeyRef.
{{- end }}
{{- end }}
Test it:  helm test {{ .Release.Name }} --namespace {{ .Release.Namespace }}
{{- end }}
