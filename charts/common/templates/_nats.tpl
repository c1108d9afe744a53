{{/* How a part reaches NATS: where, as whom, with which certificates, and which peers a NetworkPolicy names. */}}

{{/*
The chart's own `nats` over global.nats. Without an address: the umbrella's own server, and for a chart alone the Service
`nats` of its namespace, which nats-io's chart makes.
*/}}
{{- define "common.nats" -}}
{{- $global := include "common.global" . | fromYaml -}}
{{- $own := dict -}}
{{- range $key, $value := .Values.nats -}}
{{- if $value }}{{- $_ := set $own $key $value -}}{{- end -}}
{{- end -}}
{{- $nats := mergeOverwrite $global.nats $own -}}
{{- if and (not $nats.url) .Chart.IsRoot -}}
{{- $_ := set $nats "url" "nats://nats:4222" -}}
{{- else if not $nats.url -}}
{{- $_ := set $nats "url" (printf "nats://%s:4222" (include "common.fullnameOf" (list . "nats"))) -}}
{{- $_ := set $nats "inRelease" true -}}
{{- end -}}
{{- $_ := set $nats "tls" (mergeOverwrite (dict "enabled" false "existingSecret" "" "caKey" "ca.crt" "clientCertificate" false "certKey" "tls.crt" "keyKey" "tls.key") ($nats.tls | default dict)) -}}
{{- toYaml $nats -}}
{{- end }}

{{/* (list . USER) */}}
{{- define "common.natsEnv" -}}
{{- $nats := include "common.nats" (index . 0) | fromYaml -}}
- name: HS_NATS_URL
  value: {{ $nats.url | quote }}
- name: HS_NATS_USER
  value: {{ index . 1 }}
- name: HS_NATS_PASSWORD_FILE
  value: /run/secrets/nats/password
{{- if $nats.tls.enabled }}
- name: HS_NATS_CA_FILE
  value: /run/secrets/nats-tls/ca.crt
{{- if $nats.tls.clientCertificate }}
- name: HS_NATS_CERT_FILE
  value: /run/secrets/nats-tls/tls.crt
- name: HS_NATS_KEY_FILE
  value: /run/secrets/nats-tls/tls.key
{{- end }}
{{- end }}
{{- end }}

{{- define "common.natsMounts" -}}
{{- $nats := include "common.nats" . | fromYaml -}}
- name: nats
  mountPath: /run/secrets/nats
  readOnly: true
{{- if $nats.tls.enabled }}
- name: nats-tls
  mountPath: /run/secrets/nats-tls
  readOnly: true
{{- end }}
{{- end }}

{{/* (list . USER): one password of the Secret, that of this user. */}}
{{- define "common.natsVolumes" -}}
{{- $nats := include "common.nats" (index . 0) | fromYaml -}}
- name: nats
  secret:
    secretName: {{ $nats.existingSecret }}
    defaultMode: 0440
    items:
      - key: {{ index . 1 }}
        path: password
{{- if $nats.tls.enabled }}
- name: nats-tls
  secret:
    secretName: {{ $nats.tls.existingSecret }}
    defaultMode: 0440
    items:
      - key: {{ $nats.tls.caKey }}
        path: ca.crt
      {{- if $nats.tls.clientCertificate }}
      - key: {{ $nats.tls.certKey }}
        path: tls.crt
      - key: {{ $nats.tls.keyKey }}
        path: tls.key
      {{- end }}
{{- end }}
{{- end }}

{{/* NATS as peers of a NetworkPolicy: as told, else read from the address. */}}
{{- define "common.natsPeers" -}}
{{- $nats := include "common.nats" . | fromYaml -}}
{{- $host := (urlParse (first (splitList "," $nats.url))).hostname -}}
{{- $labels := splitList "." $host -}}
{{- if $nats.peers -}}
{{- toYaml $nats.peers -}}
{{- else if $nats.inRelease -}}
- podSelector:
    matchLabels:
      app.kubernetes.io/name: nats
      app.kubernetes.io/instance: {{ .Release.Name }}
{{- else if regexMatch "^[0-9.]+$" $host -}}
- ipBlock:
    cidr: {{ $host }}/32
{{- else if eq (len $labels) 1 -}}
- podSelector:
    matchLabels:
      app.kubernetes.io/name: nats
{{- else if or (eq (len $labels) 2) (eq (index $labels 2) "svc") -}}
- namespaceSelector:
    matchLabels:
      kubernetes.io/metadata.name: {{ index $labels 1 }}
  podSelector:
    matchLabels:
      app.kubernetes.io/name: nats
{{- else -}}
{{- fail (printf "%s: NATS at %s is outside the cluster, and a NetworkPolicy knows no host names: give its networks in global.nats.peers, for example [{ipBlock: {cidr: 192.0.2.10/32}}], or set networkPolicy.enabled=false" .Chart.Name $nats.url) -}}
{{- end -}}
{{- end }}

{{- define "common.natsPort" -}}
{{- $nats := include "common.nats" . | fromYaml -}}
{{- (urlParse (first (splitList "," $nats.url))).host | regexFind ":[0-9]+$" | trimPrefix ":" | default "4222" -}}
{{- end }}
