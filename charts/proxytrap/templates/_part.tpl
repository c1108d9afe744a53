{{/* What is special about proxytrap; the keys are described in common/templates/_names.tpl. */}}
{{- define "proxytrap.part" -}}
kind: Deployment
adminPort: 9103
flow: {name: proxy, port: 3128}
siteKey: true
env:
  - name: HS_TRAPS_NETWORKS
    value: {{ (include "common.global" . | fromYaml).podCIDRs | join "," | quote }}
  - name: HS_TRAPS_FALLBACK
    value: {{ printf "relaytrap=%s:2525" (include "common.fullnameOf" (list . "relaytrap")) | quote }}
ingress:
  - from:
      {{- include "common.gatewayPeers" . | nindent 6 }}
    ports:
      - port: proxy
        protocol: TCP

egress:
  - to:
      {{- include "common.partPeer" (list . "relaytrap") | nindent 6 }}
    ports:
      - port: smtp
        protocol: TCP
selfTest:
  - {{ printf "--self-test.flow=%s:3128" (include "common.fullname" .) }}
  - "--self-test.say=GET http://www.example.net/ HTTP/1.0\r\n\r\n"
{{- end }}
