{{/* Combinations that can't work, each with what to do. Renders nothing. */}}
{{- define "common.validate" -}}
{{- $global := include "common.global" . | fromYaml -}}
{{- $nats := include "common.nats" . | fromYaml -}}
{{- $part := include "common.part" . | fromYaml -}}
{{- $name := .Chart.Name -}}
{{- $kind := include "common.autoscalingKind" . -}}
{{- /* A Helm that asks no cluster may take 1.20 for its version. */}}
{{- if and .Values.preStopSeconds (semverCompare ">1.20.0-0 <1.30.0-0" .Capabilities.KubeVersion.Version) (ne .Capabilities.KubeVersion.Version "v1.20.0") -}}
{{- fail (printf "%s: preStopSeconds needs Kubernetes 1.30 or later and this is %s: set preStopSeconds=0" $name .Capabilities.KubeVersion.Version) -}}
{{- end -}}
{{- if not $nats.existingSecret -}}
{{- fail (printf "%s: nats.existingSecret must name the Secret that holds the password of NATS' user %s under the key %s" $name $name $name) -}}
{{- end -}}
{{- if and $nats.tls.enabled (not $nats.tls.existingSecret) -}}
{{- fail (printf "%s: global.nats.tls.enabled needs global.nats.tls.existingSecret, the Secret that holds the CA's certificate (%s)" $name $nats.tls.caKey) -}}
{{- end -}}
{{- if and $nats.tls.enabled (not (regexMatch "^tls://" $nats.url)) (not $nats.inRelease) -}}
{{- fail (printf "%s: with global.nats.tls.enabled the address must begin with tls://, not %s" $name $nats.url) -}}
{{- end -}}
{{- if and $part.siteKey (not ((.Values.siteKey).existingSecret | default $global.siteKey.existingSecret)) -}}
{{- fail (printf "%s: siteKey.existingSecret must name a Secret with the site's key; Helm makes none, because a new key makes other machines of all decoys. Make it once: kubectl create secret generic honeyspam-site-key --from-literal=site-key=$(openssl rand -hex 32)" $name) -}}
{{- end -}}
{{- if and (eq $global.gateway.mode "hostNetwork") .Values.networkPolicy.enabled (not $global.gateway.nodeCIDRs) -}}
{{- fail (printf "%s: a gateway with hostNetwork is no pod to a NetworkPolicy: give the nodes' networks, global.gateway.nodeCIDRs=[192.0.2.0/24], or set networkPolicy.enabled=false" $name) -}}
{{- end -}}
{{- if and .Values.metrics.serviceMonitor.enabled .Values.metrics.podMonitor.enabled -}}
{{- fail (printf "%s: metrics.serviceMonitor and metrics.podMonitor would both read the same pods: enable one" $name) -}}
{{- end -}}
{{- if ne $kind "none" -}}
{{- if gt (int .Values.autoscaling.minReplicas) (int .Values.autoscaling.maxReplicas) -}}
{{- fail (printf "%s: autoscaling.minReplicas (%d) is more than autoscaling.maxReplicas (%d)" $name (int .Values.autoscaling.minReplicas) (int .Values.autoscaling.maxReplicas)) -}}
{{- end -}}
{{- end -}}
{{- if eq $kind "cpu" -}}
{{- if not (((.Values.resources).requests).cpu) -}}
{{- fail (printf "%s: autoscaling.kind=cpu compares use with the request, and there is none: set resources.requests.cpu" $name) -}}
{{- end -}}
{{- if lt (int .Values.autoscaling.minReplicas) 1 -}}
{{- fail (printf "%s: autoscaling.kind=cpu can't scale to zero, because nothing uses CPU then: set autoscaling.minReplicas=1 or more" $name) -}}
{{- end -}}
{{- end -}}
{{- if .Values.terminationGracePeriodSeconds -}}
{{- $least := add (int .Values.preStopSeconds) (int .Values.drainSeconds) 5 -}}
{{- if lt (int .Values.terminationGracePeriodSeconds) (int $least) -}}
{{- fail (printf "%s: terminationGracePeriodSeconds (%d) would kill sessions that drainSeconds promises: make it %d or more (preStopSeconds + drainSeconds + 5), or leave it out" $name (int .Values.terminationGracePeriodSeconds) (int $least)) -}}
{{- end -}}
{{- end -}}
{{- $p := .Values.persistence | default dict -}}
{{- if and $p.enabled (ne $part.kind "StatefulSet") (gt (int .Values.replicaCount) 1) -}}
{{- fail (printf "%s: persistence.enabled with replicaCount=%d would share one volume: set replicaCount=1, or persistence.enabled=false (each replica builds its own copy from the streams)" $name (int .Values.replicaCount)) -}}
{{- end -}}
{{- end }}
