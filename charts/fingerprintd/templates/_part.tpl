{{/* What is special about fingerprintd; the keys are described in common/templates/_names.tpl. */}}
{{- define "fingerprintd.part" -}}
{{- $mode := include "fingerprintd.mode" . }}
kind: Deployment
strategy: {type: Recreate}
adminPort: 9101
adminService: {{ include "common.fullname" . }}-admin
adminAddress: $(POD_IP)
siteKey: true
hostNetwork: {{ eq $mode "hostNetwork" }}
{{- if ne $mode "service" }}
addCapabilities: [NET_RAW]
{{- end }}
selfTestEnv:
  HS_DECOYS_FILE: /none
env:
  - name: HS_ATTACHMENT
    value: {{ ternary "service" "raw" (eq $mode "service") }}
  {{- if eq $mode "service" }}
  - name: HS_LISTEN_PORT_OFFSET
    value: {{ .Values.attachment.service.portOffset | quote }}
  - name: HS_LISTEN_PROXY
    value: {{ ternary "required" "off" .Values.attachment.service.proxyProtocol | quote }}
  - name: HS_LISTEN_NETWORKS
    value: {{ .Values.attachment.service.networks | join "," | quote }}
  {{- else }}
  - name: HS_INTERFACE
    value: {{ ternary .Values.attachment.interface "net1" (eq $mode "hostNetwork") }}
  - name: HS_MAC_SHARED
    value: {{ .Values.attachment.sharedMac | quote }}
  {{- end }}
  - name: HS_DECOYS_FILE
    value: /etc/honeyspam/decoys.json
  - name: HS_TRAPS_NETWORKS
    value: {{ (include "common.global" . | fromYaml).podCIDRs | join "," | quote }}
  - name: HS_TRAPS_FALLBACK
    value: {{ include "fingerprintd.fallback" . | quote }}
volumeMounts:
  - name: decoys
    mountPath: /etc/honeyspam
    readOnly: true
volumes:
  - name: decoys
    configMap:
      name: {{ .Values.existingDecoys | default (include "common.fullname" .) }}
{{- if eq $mode "multus" }}
podAnnotations:
  k8s.v1.cni.cncf.io/networks: {{ .Values.attachment.multus.existingNetwork | default (printf "%s/%s" (include "common.namespace" .) (include "common.fullname" .)) }}
{{- end }}
{{- if eq $mode "service" }}
ports:
  {{- range include "fingerprintd.ports" . | fromJsonArray }}
  - {name: decoy-{{ . }}, port: {{ add . $.Values.attachment.service.portOffset }}}
  {{- end }}
ingress:
  - ports:
      {{- range include "fingerprintd.ports" . | fromJsonArray }}
      - port: decoy-{{ . }}
        protocol: TCP
      {{- end }}
{{- end }}
egress:
  {{- range $trap, $port := dict "webtrap" "web" "proxytrap" "proxy" "relaytrap" "smtp" }}
  - to:
      - podSelector:
          matchLabels:
            app.kubernetes.io/part-of: honeyspam
            app.kubernetes.io/component: {{ $trap }}
        {{- with $.Values.traps.namespace }}
        namespaceSelector:
          matchLabels:
            kubernetes.io/metadata.name: {{ . }}
        {{- end }}
    ports:
      - port: {{ $port }}
        protocol: TCP
  {{- end }}
{{- end }}
