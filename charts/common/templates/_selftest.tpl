{{/* The Pod of `helm test`: the part's own image, which tries NATS with the part's own user and then the part itself. */}}
{{- define "common.selfTest" -}}
{{- if .Values.tests.enabled -}}
{{- $part := include "common.part" . | fromYaml -}}
{{- $global := include "common.global" . | fromYaml -}}
apiVersion: v1
kind: Pod
metadata:
  name: {{ include "common.fullname" . }}-test
  namespace: {{ include "common.namespace" . }}
  labels:
    app.kubernetes.io/name: {{ include "common.name" . }}-test
    app.kubernetes.io/instance: {{ .Release.Name }}
    app.kubernetes.io/component: self-test
    app.kubernetes.io/part-of: honeyspam
  annotations:
    helm.sh/hook: test
    helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
spec:
  restartPolicy: Never
  activeDeadlineSeconds: {{ .Values.tests.timeoutSeconds }}
  serviceAccountName: {{ include "common.serviceAccountName" . }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  {{- with include "common.imagePullSecrets" . | trim }}
  {{- . | nindent 2 }}
  {{- end }}
  securityContext:
    {{- toYaml .Values.podSecurityContext | nindent 4 }}
  containers:
    - name: self-test
      image: {{ include "common.image" . | quote }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args:
        - --self-test
        - {{ printf "--self-test.http=http://%s:%d/readyz" ($part.adminService | default (include "common.fullname" .)) (int $part.adminPort) | quote }}
        {{- range $part.selfTest }}
        - {{ . | quote }}
        {{- end }}
      env:
        - name: HS_INSTANCE
          value: self-test
        - name: HS_SITE
          value: {{ $global.site | quote }}
        {{- include "common.natsEnv" (list . .Chart.Name) | nindent 8 }}
        - name: HS_ADMIN_LISTEN
          value: 127.0.0.1:{{ $part.adminPort }}
        - name: HS_DATA_DIR
          value: /var/lib/honeyspam
        {{- range $name, $value := $part.selfTestEnv }}
        - name: {{ $name }}
          value: {{ $value | quote }}
        {{- end }}
      resources:
        {{- toYaml .Values.resources | nindent 8 }}
      securityContext:
        {{- toYaml .Values.containerSecurityContext | nindent 8 }}
      volumeMounts:
        - name: data
          mountPath: /var/lib/honeyspam
        {{- include "common.natsMounts" . | nindent 8 }}
  {{- with include "common.placement" . | trim }}
  {{- . | nindent 2 }}
  {{- end }}
  volumes:
    - name: data
      emptyDir:
        sizeLimit: 16Mi
    {{- include "common.natsVolumes" (list . .Chart.Name) | nindent 4 }}
---
{{ include "common.selfTestPolicy" . }}
{{- end }}
{{- end }}

{{- define "common.selfTestPolicy" -}}
{{- if .Values.networkPolicy.enabled -}}
{{- $part := include "common.part" . | fromYaml -}}
{{- $global := include "common.global" . | fromYaml -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "common.fullname" . }}-test
  namespace: {{ include "common.namespace" . }}
  labels:
    {{- include "common.labels" . | nindent 4 }}
spec:
  podSelector:
    matchLabels:
      app.kubernetes.io/name: {{ include "common.name" . }}-test
      app.kubernetes.io/instance: {{ .Release.Name }}
      app.kubernetes.io/component: self-test
  policyTypes: [Ingress, Egress]
  ingress: []
  egress:
    {{- include "common.egressAll" . | nindent 4 }}
    - to:
        {{- include "common.partPeer" (list . .Chart.Name) | nindent 8 }}
        {{- if $part.hostNetwork }}
        {{- range $global.gateway.nodeCIDRs }}
        - ipBlock:
            cidr: {{ . }}
        {{- end }}
        {{- end }}
{{- end }}
{{- end }}
