{{/* What is special about api; the keys are described in common/templates/_names.tpl. */}}
{{- define "api.part" -}}
kind: Deployment
{{- if .Values.persistence.enabled }}
strategy: {type: Recreate}
{{- end }}
adminPort: 9107
ports:
  - {name: http, port: 8025}
env:
  - name: HS_LISTEN_ADDRESS
    value: 0.0.0.0:8025
  - name: HS_TOKEN_FILE
    value: /run/secrets/tokens/token
  {{- if .Values.tokens.operatorKey }}
  - name: HS_OPERATOR_TOKEN_FILE
    value: /run/secrets/tokens/operator-token
  {{- end }}
volumeMounts:
  - name: tokens
    mountPath: /run/secrets/tokens
    readOnly: true
volumes:
  - name: tokens
    secret:
      secretName: {{ .Values.tokens.existingSecret }}
      defaultMode: 0440
      items:
        - key: {{ .Values.tokens.readKey }}
          path: token
        {{- with .Values.tokens.operatorKey }}
        - key: {{ . }}
          path: operator-token
        {{- end }}
ingress:
  {{- with .Values.networkPolicy.kedaNamespaceSelector }}
  - from:
      {{- include "common.namespacePeer" . | nindent 6 }}
    ports:
      - port: http
        protocol: TCP
  {{- end }}
  {{- with .Values.networkPolicy.allowFrom }}
  - from:
      {{- toYaml . | nindent 6 }}
    ports:
      - port: http
        protocol: TCP
  {{- end }}
{{- end }}
