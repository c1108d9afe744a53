{{/* Whatever else a user wants in the release. */}}
{{- define "common.extraObjects" -}}
{{- range .Values.extraObjects }}
---
{{ if kindIs "string" . }}{{ tpl . $ }}{{ else }}{{ tpl (toYaml .) $ }}{{ end }}
{{- end }}
{{- end }}
