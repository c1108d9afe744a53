{{/* The Deployment or StatefulSet of a part and its pods. */}}

{{/* preStop, then SIGTERM and drainSeconds, then ten seconds to hand over what waits for NATS. */}}
{{- define "common.graceSeconds" -}}
{{- .Values.terminationGracePeriodSeconds | default (add .Values.preStopSeconds .Values.drainSeconds 10) -}}
{{- end }}

{{- define "common.env" -}}
{{- $global := include "common.global" . | fromYaml -}}
{{- $part := include "common.part" . | fromYaml -}}
- name: POD_IP
  valueFrom:
    fieldRef:
      fieldPath: status.podIP
- name: HS_INSTANCE
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
- name: HS_SITE
  value: {{ $global.site | quote }}
{{ include "common.natsEnv" (list . .Chart.Name) }}
- name: HS_ADMIN_LISTEN
  value: {{ printf "%s:%d" ($part.adminAddress | default "0.0.0.0") (int $part.adminPort) | quote }}
- name: HS_DATA_DIR
  value: /var/lib/honeyspam
- name: HS_DRAIN_SECONDS
  value: {{ .Values.drainSeconds | quote }}
- name: HS_SPOOL_BYTES
  value: {{ mul (int64 .Values.spool.megabytes) 1048576 | quote }}
{{- if $part.siteKey }}
- name: HS_SITE_KEY_FILE
  value: /run/secrets/site-key/site-key
{{- end }}
{{- if $part.flow }}
- name: HS_LISTEN_ADDRESS
  value: {{ printf "$(POD_IP):%d" (int $part.flow.port) | quote }}
- name: HS_LISTEN_NETWORKS
  value: {{ concat $global.podCIDRs $global.gateway.nodeCIDRs | uniq | join "," | quote }}
{{- end }}
{{- with $part.env }}
{{ toYaml . }}
{{- end }}
{{- include "common.settingsEnv" . }}
{{- with .Values.extraEnv }}
{{ tpl (toYaml .) $ }}
{{- end }}
{{- end }}

{{- define "common.volumeMounts" -}}
{{- $part := include "common.part" . | fromYaml -}}
- name: data
  mountPath: /var/lib/honeyspam
{{ include "common.natsMounts" . }}
{{- if $part.siteKey }}
- name: site-key
  mountPath: /run/secrets/site-key
  readOnly: true
{{- end }}
{{- with $part.volumeMounts }}
{{ toYaml . }}
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ tpl (toYaml .) $ }}
{{- end }}
{{- end }}

{{/* All but `data`, which may be a claim. */}}
{{- define "common.volumes" -}}
{{- $part := include "common.part" . | fromYaml -}}
{{ include "common.natsVolumes" (list . .Chart.Name) }}
{{- if $part.siteKey }}
{{ include "common.siteKeyVolume" . }}
{{- end }}
{{- with $part.volumes }}
{{ toYaml . }}
{{- end }}
{{- with .Values.extraVolumes }}
{{ tpl (toYaml .) $ }}
{{- end }}
{{- end }}

{{- define "common.siteKeyVolume" -}}
{{- $global := include "common.global" . | fromYaml -}}
{{- $own := .Values.siteKey | default dict -}}
- name: site-key
  secret:
    secretName: {{ $own.existingSecret | default $global.siteKey.existingSecret }}
    defaultMode: 0440
    items:
      - key: {{ $own.key | default $global.siteKey.key }}
        path: site-key
{{- end }}

{{- define "common.dataVolume" -}}
{{- $p := .Values.persistence | default dict -}}
{{- if not $p.enabled -}}
- name: data
  emptyDir:
    sizeLimit: {{ $p.emptyDirSizeLimit | default (printf "%dMi" (add (int .Values.spool.megabytes) 64)) }}
{{- else if or $p.existingClaim (ne (include "common.part" . | fromYaml).kind "StatefulSet") -}}
- name: data
  persistentVolumeClaim:
    claimName: {{ $p.existingClaim | default (include "common.fullname" .) }}
{{- end -}}
{{- end }}

{{- define "common.probe" -}}
{{- $probe := index . 1 -}}
httpGet:
  path: {{ index . 0 }}
  port: admin
periodSeconds: {{ $probe.periodSeconds }}
timeoutSeconds: {{ $probe.timeoutSeconds }}
failureThreshold: {{ $probe.failureThreshold }}
{{- end }}

{{- define "common.container" -}}
{{- $part := include "common.part" . | fromYaml -}}
name: {{ .Chart.Name }}
image: {{ include "common.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
{{- with .Values.extraArgs }}
args:
  {{- tpl (toYaml .) $ | nindent 2 }}
{{- end }}
env:
  {{- include "common.env" . | nindent 2 }}
ports:
  {{- if $part.flow }}
  - name: {{ $part.flow.name }}
    containerPort: {{ $part.flow.port }}
    protocol: TCP
  {{- end }}
  {{- range $part.ports }}
  - name: {{ .name }}
    containerPort: {{ .port }}
    protocol: TCP
  {{- end }}
  - name: admin
    containerPort: {{ $part.adminPort }}
    protocol: TCP
startupProbe:
  {{- include "common.probe" (list "/livez" .Values.probes.startup) | nindent 2 }}
livenessProbe:
  {{- include "common.probe" (list "/livez" .Values.probes.liveness) | nindent 2 }}
readinessProbe:
  {{- include "common.probe" (list "/readyz" .Values.probes.readiness) | nindent 2 }}
{{- if .Values.preStopSeconds }}
lifecycle:
  preStop:
    sleep:
      seconds: {{ .Values.preStopSeconds }}
{{- end }}
resources:
  {{- toYaml .Values.resources | nindent 2 }}
{{- $security := deepCopy .Values.containerSecurityContext }}
{{- with $part.addCapabilities }}
{{- $_ := set $security "capabilities" (mergeOverwrite ($security.capabilities | default dict) (dict "add" .)) }}
{{- end }}
securityContext:
  {{- toYaml $security | nindent 2 }}
volumeMounts:
  {{- include "common.volumeMounts" . | nindent 2 }}
{{- end }}

{{/* On which nodes a pod may be. */}}
{{- define "common.placement" -}}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "common.scheduling" -}}
{{- include "common.placement" . }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- tpl (toYaml .) $ | nindent 2 }}
{{- end }}
{{- range $i, $constraint := .Values.topologySpreadConstraints }}
{{- if eq $i 0 }}
topologySpreadConstraints:
{{- end }}
{{- $selector := dict "labelSelector" (dict "matchLabels" (include "common.selectorLabels" $ | fromYaml)) }}
  {{- tpl (toYaml (list (merge (deepCopy $constraint) $selector))) $ | nindent 2 }}
{{- end }}
{{- end }}

{{- define "common.podTemplate" -}}
{{- $part := include "common.part" . | fromYaml -}}
metadata:
  labels:
    {{- include "common.selectorLabels" . | nindent 4 }}
    app.kubernetes.io/part-of: honeyspam
    {{- with .Values.podLabels }}
    {{- tpl (toYaml .) $ | nindent 4 }}
    {{- end }}
  {{- with merge (dict) .Values.podAnnotations ($part.podAnnotations | default dict) }}
  annotations:
    {{- tpl (toYaml .) $ | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: {{ include "common.serviceAccountName" . }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  {{- if not (kindIs "invalid" .Values.hostUsers) }}
  hostUsers: {{ .Values.hostUsers }}
  {{- end }}
  {{- if $part.hostNetwork }}
  hostNetwork: true
  dnsPolicy: ClusterFirstWithHostNet
  {{- end }}
  {{- with include "common.imagePullSecrets" . | trim }}
  {{- . | nindent 2 }}
  {{- end }}
  terminationGracePeriodSeconds: {{ include "common.graceSeconds" . }}
  securityContext:
    {{- toYaml .Values.podSecurityContext | nindent 4 }}
  {{- with .Values.initContainers }}
  initContainers:
    {{- tpl (toYaml .) $ | nindent 4 }}
  {{- end }}
  containers:
    - {{- include "common.container" . | nindent 6 | trimPrefix "\n     " }}
    {{- with .Values.extraContainers }}
    {{- tpl (toYaml .) $ | nindent 4 }}
    {{- end }}
  {{- with include "common.scheduling" . | trim }}
  {{- . | nindent 2 }}
  {{- end }}
  volumes:
    {{- with include "common.dataVolume" . }}
    {{- . | nindent 4 }}
    {{- end }}
    {{- include "common.volumes" . | nindent 4 }}
{{- end }}

{{- define "common.workload" -}}
{{- $part := include "common.part" . | fromYaml -}}
{{- $kind := $part.kind | default "Deployment" -}}
{{- $p := .Values.persistence | default dict -}}
apiVersion: apps/v1
kind: {{ $kind }}
metadata:
  {{- include "common.metadata" (list . "") | nindent 2 }}
spec:
  {{- if eq (include "common.autoscalingKind" .) "none" }}
  replicas: {{ .Values.replicaCount }}
  {{- end }}
  selector:
    matchLabels:
      {{- include "common.selectorLabels" . | nindent 6 }}
  {{- if eq $kind "StatefulSet" }}
  serviceName: {{ include "common.fullname" . }}
  podManagementPolicy: Parallel
  updateStrategy:
    {{- toYaml .Values.updateStrategy | nindent 4 }}
  {{- if and $p.enabled (not $p.existingClaim) }}
  persistentVolumeClaimRetentionPolicy:
    whenDeleted: {{ $p.whenDeleted }}
    whenScaled: Retain
  {{- end }}
  {{- else }}
  revisionHistoryLimit: {{ .Values.revisionHistoryLimit }}
  strategy:
    {{- toYaml ($part.strategy | default .Values.updateStrategy) | nindent 4 }}
  {{- end }}
  template:
    {{- include "common.podTemplate" . | nindent 4 }}
  {{- if and (eq $kind "StatefulSet") $p.enabled (not $p.existingClaim) }}
  volumeClaimTemplates:
    - apiVersion: v1
      kind: PersistentVolumeClaim
      metadata:
        name: data
        labels:
          {{- include "common.selectorLabels" . | nindent 10 }}
      spec:
        {{- include "common.claimSpec" . | nindent 8 }}
  {{- end }}
{{- end }}

{{/* storageClass: "" leaves it to the cluster, "-" asks for volumes without a class. */}}
{{- define "common.claimSpec" -}}
accessModes:
  {{- toYaml .Values.persistence.accessModes | nindent 2 }}
{{- with .Values.persistence.storageClass }}
storageClassName: {{ if eq . "-" }}""{{ else }}{{ . }}{{ end }}
{{- end }}
resources:
  requests:
    storage: {{ .Values.persistence.size }}
{{- with .Values.persistence.selector }}
selector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "common.claim" -}}
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  {{- include "common.metadata" (list . "") | nindent 2 }}
spec:
  {{- include "common.claimSpec" . | nindent 2 }}
{{- end }}

{{- define "common.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  {{- $annotations := .Values.serviceAccount.annotations }}
  name: {{ include "common.serviceAccountName" . }}
  namespace: {{ include "common.namespace" . }}
  labels:
    {{- include "common.labels" . | nindent 4 }}
  {{- with $annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
automountServiceAccountToken: false
{{- end }}
{{- end }}

{{/* Headless where flows come in: a name must resolve to pods, whose networks the gateway knows. */}}
{{- define "common.service" -}}
{{- $part := include "common.part" . | fromYaml -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ include "common.fullname" . }}
  namespace: {{ include "common.namespace" . }}
  labels:
    {{- include "common.labels" . | nindent 4 }}
    {{- with .Values.service.labels }}
    {{- tpl (toYaml .) $ | nindent 4 }}
    {{- end }}
  {{- with .Values.service.annotations }}
  annotations:
    {{- tpl (toYaml .) $ | nindent 4 }}
  {{- end }}
spec:
  type: {{ .Values.service.type }}
  {{- if and .Values.service.headless (eq .Values.service.type "ClusterIP") }}
  clusterIP: None
  {{- end }}
  {{- with .Values.service.ipFamilyPolicy }}
  ipFamilyPolicy: {{ . }}
  {{- end }}
  selector:
    {{- include "common.selectorLabels" . | nindent 4 }}
  ports:
    {{- if $part.flow }}
    - name: {{ $part.flow.name }}
      port: {{ $part.flow.port }}
      targetPort: {{ $part.flow.name }}
      protocol: TCP
    {{- end }}
    {{- range $part.ports }}
    - name: {{ .name }}
      port: {{ .port }}
      targetPort: {{ .name }}
      protocol: TCP
    {{- end }}
    - name: admin
      port: {{ $part.adminPort }}
      targetPort: admin
      protocol: TCP
{{- end }}
