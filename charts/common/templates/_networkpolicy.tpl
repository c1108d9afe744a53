{{/* Deny by default: what a part may take and where it may go is only what stands here and in its own part. */}}

{{- define "common.namespacePeer" -}}
- namespaceSelector:
    {{- toYaml . | nindent 4 }}
{{- end }}

{{/* The gateway as peers: its pods, and the nodes' networks where it runs with hostNetwork and no selector finds it. */}}
{{- define "common.gatewayPeers" -}}
{{- $gateway := (include "common.global" . | fromYaml).gateway -}}
- podSelector:
    matchLabels:
      app.kubernetes.io/part-of: honeyspam
      app.kubernetes.io/component: fingerprintd
  {{- with $gateway.namespace }}
  namespaceSelector:
    matchLabels:
      kubernetes.io/metadata.name: {{ . }}
  {{- end }}
{{- range $gateway.nodeCIDRs }}
- ipBlock:
    cidr: {{ . }}
{{- end }}
{{- end }}

{{/* (list . COMPONENT): pods of a part of this release. */}}
{{- define "common.partPeer" -}}
- podSelector:
    matchLabels:
      app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
      app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- define "common.networkPolicy" -}}
{{- $part := include "common.part" . | fromYaml -}}
{{- $policy := .Values.networkPolicy -}}
{{- if and $policy.enabled (not $part.hostNetwork) -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "common.metadata" (list . "") | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      {{- include "common.selectorLabels" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
  ingress:
    {{- with $part.ingress }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    {{- if $policy.metricsNamespaceSelector }}
    - from:
        {{- include "common.namespacePeer" $policy.metricsNamespaceSelector | nindent 8 }}
      ports:
        - port: admin
          protocol: TCP
    {{- end }}
    {{- if .Values.tests.enabled }}
    - from:
        {{- include "common.partPeer" (list . "self-test") | nindent 8 }}
      ports:
        {{- with $part.flow }}
        - port: {{ .name }}
          protocol: TCP
        {{- end }}
        {{- range $part.ports }}
        - port: {{ .name }}
          protocol: TCP
        {{- end }}
        - port: admin
          protocol: TCP
    {{- end }}
    {{- with $policy.extraIngress }}
    {{- tpl (toYaml .) $ | nindent 4 }}
    {{- end }}
  egress:
    {{- include "common.egressAll" . | nindent 4 }}
    {{- with $part.egress }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    {{- with $policy.extraEgress }}
    {{- tpl (toYaml .) $ | nindent 4 }}
    {{- end }}
{{- end }}
{{- end }}

{{/* NATS and DNS, which every part needs. */}}
{{- define "common.egressAll" -}}
- to:
    {{- include "common.natsPeers" . | nindent 4 }}
  ports:
    - port: {{ include "common.natsPort" . }}
      protocol: TCP
- to:
    {{- toYaml .Values.networkPolicy.dns | nindent 4 }}
  ports:
    - port: 53
      protocol: UDP
    - port: 53
      protocol: TCP
{{- end }}
