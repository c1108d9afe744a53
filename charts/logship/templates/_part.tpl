{{/* What is special about logship; the keys are described in common/templates/_names.tpl. */}}
{{- define "logship.part" -}}
kind: StatefulSet
adminPort: 9106
env:
  {{- if .Values.sinks.jsonl.enabled }}
  - name: HS_JSONL_PATH
    value: /var/lib/honeyspam/events.jsonl
  {{- end }}
  {{- if .Values.sinks.maildir.enabled }}
  - name: HS_MAILDIR_PATH
    value: /var/lib/honeyspam/Maildir
  {{- end }}
{{- end }}
