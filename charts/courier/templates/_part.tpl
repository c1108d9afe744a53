{{/* What is special about courier; the keys are described in common/templates/_names.tpl. */}}
{{- define "courier.part" -}}
kind: Deployment
adminPort: 9105
siteKey: true
egress:
  - to:
      - ipBlock:
          cidr: 0.0.0.0/0
          {{- with .Values.outbound.except }}
          except:
            {{- toYaml . | nindent 12 }}
          {{- end }}
    ports:
      {{- range .Values.outbound.ports }}
      - port: {{ . }}
        protocol: TCP
      {{- end }}
{{- end }}
