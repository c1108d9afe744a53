{{/* What is special about relaytrap; the keys are described in common/templates/_names.tpl. */}}
{{- define "relaytrap.part" -}}
kind: Deployment
adminPort: 9104
flow: {name: smtp, port: 2525}
siteKey: true
ingress:
  - from:
      {{- include "common.gatewayPeers" . | nindent 6 }}
      {{- include "common.partPeer" (list . "proxytrap") | nindent 6 }}
    ports:
      - port: smtp
        protocol: TCP
selfTest:
  - {{ printf "--self-test.flow=%s:2525" (include "common.fullname" .) }}
{{- end }}
