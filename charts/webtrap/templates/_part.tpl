{{/* What is special about webtrap; the keys are described in common/templates/_names.tpl. */}}
{{- define "webtrap.part" -}}
kind: Deployment
adminPort: 9102
flow: {name: web, port: 8080}
siteKey: true
ingress:
  - from:
      {{- include "common.gatewayPeers" . | nindent 6 }}
    ports:
      - port: web
        protocol: TCP

selfTest:
  - {{ printf "--self-test.flow=%s:8080" (include "common.fullname" .) }}
  - "--self-test.say=GET / HTTP/1.0\r\n\r\n"
{{- end }}
