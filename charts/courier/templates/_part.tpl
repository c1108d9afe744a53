{{/* What is special about courier; the keys are described in common/templates/_names.tpl. */}}
{{- define "courier.part" -}}
kind: Deployment
adminPort: 9105
{{- with .Values.smarthost.existingSecret }}
env:
  - name: HS_SMARTHOST_PASSWORD_FILE
    value: /run/secrets/smarthost/password
volumeMounts:
  - name: smarthost
    mountPath: /run/secrets/smarthost
    readOnly: true
volumes:
  - name: smarthost
    secret:
      secretName: {{ . }}
      defaultMode: 0440
      items:
        - key: {{ $.Values.smarthost.key }}
          path: password
{{- end }}
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
