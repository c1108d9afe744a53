{{/* How decoys reach the pod. */}}

{{- define "fingerprintd.mode" -}}
{{- .Values.attachment.mode | default (include "common.global" . | fromYaml).gateway.mode -}}
{{- end }}

{{/* Each port that a decoy listens on, once, as a JSON list. */}}
{{- define "fingerprintd.ports" -}}
{{- $ports := list -}}
{{- range .Values.attachment.service.ports -}}
{{- $ports = append $ports (int .) -}}
{{- end -}}
{{- if not $ports -}}
{{- range .Values.decoys -}}
{{- range .ports -}}
{{- $ports = append $ports (int .port) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $ports | uniq | toJson -}}
{{- end }}

{{/* Where traps are while no presence is heard: their headless Services. */}}
{{- define "fingerprintd.fallback" -}}
{{- $release := .Values.traps.release | default .Release.Name -}}
{{- $namespace := .Values.traps.namespace | default (include "common.namespace" .) -}}
{{- $other := dict "Release" (dict "Name" $release) -}}
{{- $all := list -}}
{{- range $trap, $port := dict "webtrap" 8080 "proxytrap" 3128 "relaytrap" 2525 -}}
{{- $all = append $all (printf "%s=%s.%s.svc:%d" $trap (include "common.fullnameOf" (list $other $trap)) $namespace $port) -}}
{{- end -}}
{{- $all | join "," -}}
{{- end }}

{{- define "fingerprintd.validate" -}}
{{- $mode := include "fingerprintd.mode" . -}}
{{- $a := .Values.attachment -}}
{{- if not (has $mode (list "hostNetwork" "multus" "service")) -}}
{{- fail (printf "fingerprintd: attachment.mode must be hostNetwork, multus or service, not %s" $mode) -}}
{{- end -}}
{{- if gt (int .Values.replicaCount) 1 -}}
{{- fail (printf "fingerprintd: replicaCount=%d: two gateways would both answer for every decoy; leave it at 1" (int .Values.replicaCount)) -}}
{{- end -}}
{{- if and (eq $mode "hostNetwork") (not $a.interface) -}}
{{- fail "fingerprintd: attachment.mode=hostNetwork needs attachment.interface, the node's interface on the decoys' wire; give it one that the node itself doesn't use, for example a VLAN" -}}
{{- end -}}
{{- if and (eq $mode "multus") (not $a.multus.existingNetwork) (not $a.multus.master) -}}
{{- fail "fingerprintd: attachment.mode=multus needs attachment.multus.master, the node's interface that is given to the pod whole, or attachment.multus.existingNetwork" -}}
{{- end -}}
{{- if and (eq $mode "service") .Values.existingDecoys (not $a.service.ports) -}}
{{- fail "fingerprintd: attachment.mode=service with existingDecoys can't know the decoys' ports: list them in attachment.service.ports" -}}
{{- end -}}
{{- if and (eq $mode "service") $a.sharedMac -}}
{{- fail "fingerprintd: attachment.sharedMac is about a wire, and attachment.mode=service has none: leave it false" -}}
{{- end -}}
{{- if and (eq $mode "hostNetwork") (eq (toString .Values.hostUsers) "false") -}}
{{- fail "fingerprintd: attachment.mode=hostNetwork can't have user ids of its own: leave hostUsers null" -}}
{{- end -}}
{{- if and (not .Values.decoys) (not .Values.existingDecoys) -}}
{{- fail "fingerprintd: there are no decoys: list them in decoys, or name a ConfigMap in existingDecoys" -}}
{{- end -}}
{{- end }}
