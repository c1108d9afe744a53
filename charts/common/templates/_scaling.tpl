{{/* How many replicas: HPA, KEDA, or by hand; and how many of them must stay. */}}

{{- define "common.autoscalingKind" -}}
{{- (.Values.autoscaling | default dict).kind | default "none" -}}
{{- end }}

{{- define "common.minReplicas" -}}
{{- if eq (include "common.autoscalingKind" .) "none" -}}
{{- .Values.replicaCount | default 0 -}}
{{- else -}}
{{- .Values.autoscaling.minReplicas -}}
{{- end -}}
{{- end }}

{{- define "common.scaleTarget" -}}
apiVersion: apps/v1
kind: {{ (include "common.part" . | fromYaml).kind | default "Deployment" }}
name: {{ include "common.fullname" . }}
{{- end }}

{{- define "common.hpa" -}}
{{- if eq (include "common.autoscalingKind" .) "cpu" -}}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  {{- include "common.metadata" (list . "") | nindent 2 }}
spec:
  scaleTargetRef:
    {{- include "common.scaleTarget" . | nindent 4 }}
  minReplicas: {{ .Values.autoscaling.minReplicas }}
  maxReplicas: {{ .Values.autoscaling.maxReplicas }}
  metrics:
    - type: Resource
      resource:
        name: cpu
        target:
          type: Utilization
          averageUtilization: {{ .Values.autoscaling.cpu.targetPercent }}
    {{- with .Values.autoscaling.metrics }}
    {{- tpl (toYaml .) $ | nindent 4 }}
    {{- end }}
  behavior:
    {{- toYaml .Values.autoscaling.behavior | nindent 4 }}
{{- end }}
{{- end }}

{{/* (list . TRIGGERS as YAML): a ScaledObject; KEDA makes the HPA from it. */}}
{{- define "common.scaledObject" -}}
{{- $ctx := index . 0 -}}
{{- $triggers := index . 1 -}}
{{- with $ctx.Values.autoscaling -}}
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  {{- include "common.metadata" (list $ctx "") | nindent 2 }}
spec:
  scaleTargetRef:
    {{- include "common.scaleTarget" $ctx | nindent 4 }}
  minReplicaCount: {{ .minReplicas }}
  maxReplicaCount: {{ .maxReplicas }}
  pollingInterval: {{ .keda.pollingInterval }}
  cooldownPeriod: {{ .keda.cooldownPeriod }}
  {{- with .keda.fallback }}
  fallback:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  advanced:
    restoreToOriginalReplicaCount: {{ .keda.restoreReplicas }}
    horizontalPodAutoscalerConfig:
      behavior:
        {{- toYaml .behavior | nindent 8 }}
  triggers:
    {{- $triggers | nindent 4 }}
    {{- with .keda.extraTriggers }}
    {{- tpl (toYaml .) $ctx | nindent 4 }}
    {{- end }}
{{- end }}
{{- end }}

{{/*
Sessions by KEDA's metrics-api trigger on our own API. The value is the sum over replicas and the target what one
replica should carry, because KEDA divides (AverageValue).
*/}}
{{- define "common.sessionsPerReplica" -}}
{{- $capacity := (.Values.settings | default dict).listenCapacity | default 10000 -}}
{{- .Values.autoscaling.keda.sessionsPerReplica | default (div (mul (int64 $capacity) (int64 .Values.autoscaling.keda.targetPercent)) 100) -}}
{{- end }}

{{- define "common.apiUrl" -}}
{{- .Values.autoscaling.keda.apiUrl | default (printf "http://%s.%s.svc:8025" (include "common.fullnameOf" (list . "api")) (include "common.namespace" .)) | trimSuffix "/" -}}
{{- end }}

{{- define "common.kedaSessions" -}}
{{- if eq (include "common.autoscalingKind" .) "keda" -}}
apiVersion: keda.sh/v1alpha1
kind: TriggerAuthentication
metadata:
  {{- include "common.metadata" (list . "") | nindent 2 }}
spec:
  secretTargetRef:
    - parameter: token
      name: {{ .Values.autoscaling.keda.existingSecret }}
      key: {{ .Values.autoscaling.keda.tokenKey }}
---
{{ include "common.scaledObject" (list . (include "common.kedaSessionsTrigger" .)) }}
{{- end }}
{{- end }}

{{- define "common.kedaSessionsTrigger" -}}
- type: metrics-api
  metricType: AverageValue
  metadata:
    url: {{ printf "%s/v1/scaling/%s" (include "common.apiUrl" .) .Chart.Name | quote }}
    valueLocation: sessions
    targetValue: {{ include "common.sessionsPerReplica" . | quote }}
    authMode: bearer
  authenticationRef:
    name: {{ include "common.fullname" . }}
{{- end }}

{{/* Only where more than one replica is sure to be there: else it would hold up every node's drain. */}}
{{- define "common.pdb" -}}
{{- if and .Values.pdb.enabled (gt (include "common.minReplicas" . | int) 1) -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "common.metadata" (list . "") | nindent 2 }}
spec:
  maxUnavailable: {{ .Values.pdb.maxUnavailable }}
  selector:
    matchLabels:
      {{- include "common.selectorLabels" . | nindent 6 }}
  unhealthyPodEvictionPolicy: AlwaysAllow
{{- end }}
{{- end }}
