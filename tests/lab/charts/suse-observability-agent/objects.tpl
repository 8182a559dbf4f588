{{- if not .Values.stackstate.apiKey }}{{ fail "Please provide an api key." }}{{ end }}
{{- if not (hasPrefix "http" .Values.stackstate.url) }}{{ fail "SUSE Observability Ingest URL should start with the http or https protocol." }}{{ end }}
{{- $images := printf "%s/stackstate" .Values.global.imageRegistry }}
{{- $pull := list }}
{{- range .Values.global.imagePullSecrets }}{{ $pull = append $pull (dict "name" .) }}{{ end }}
{{- $pull = toJson $pull }}
{{- $key := dict "name" "STS_API_KEY" "valueFrom" (dict "secretKeyRef" (dict "name" .Values.global.apiKey.fromSecret "key" "STS_API_KEY")) }}
{{- $token := dict "name" "STS_CLUSTER_AGENT_AUTH_TOKEN" "valueFrom" (dict "secretKeyRef" (dict "name" .Values.global.clusterAgentAuthToken.fromSecret "key" "STS_CLUSTER_AGENT_AUTH_TOKEN")) }}
{{- $envs := toJson (list $key $token (dict "name" "STS_URL" "value" .Values.stackstate.url)) }}
{{- $scrapes := and .Values.otel.enabled .Values.otel.prometheusScraping.enabled }}
crds:
  {{- if and $scrapes .Values.otel.prometheusScraping.monitorCrds.enabled }}
  - {group: monitoring.coreos.com, version: v1, scope: Namespaced, kind: ServiceMonitor, plural: servicemonitors, keep: {{ .Values.otel.prometheusScraping.monitorCrds.keep }}}
  - {group: monitoring.coreos.com, version: v1, scope: Namespaced, kind: PodMonitor, plural: podmonitors, keep: {{ .Values.otel.prometheusScraping.monitorCrds.keep }}}
  {{- end }}
workloads:
  - kind: DaemonSet
    name: suse-observability-agent-node-agent
    pull_secrets: {{ $pull }}
    tolerations: {{ toJson .Values.nodeAgent.tolerations }}
    containers: [{name: node-agent, image: "{{ $images }}/stackstate-k8s-agent:{{ .Values.nodeAgent.containers.agent.image.tag }}", env: {{ $envs }}}]
  - kind: Deployment
    name: suse-observability-agent-cluster-agent
    replicas: {{ .Values.clusterAgent.replicaCount }}
    pull_secrets: {{ $pull }}
    containers: [{name: cluster-agent, image: "{{ $images }}/stackstate-k8s-cluster-agent:9516cb41", env: {{ $envs }}}]
  - kind: Deployment
    name: suse-observability-agent-checks-agent
    replicas: {{ .Values.checksAgent.replicas }}
    pull_secrets: {{ $pull }}
    containers: [{name: checks-agent, image: "{{ $images }}/stackstate-k8s-agent:9516cb41", env: {{ $envs }}}]
  {{- if .Values.logsAgent.enabled }}
  - kind: DaemonSet
    name: suse-observability-agent-logs-agent
    pull_secrets: {{ $pull }}
    tolerations: {{ toJson .Values.logsAgent.tolerations }}
    containers: [{name: logs-agent, image: "{{ $images }}/promtail:3.6.11-so13", env: {{ $envs }}}]
  {{- end }}
  {{- if $scrapes }}
  - kind: StatefulSet
    name: suse-observability-agent-otel-metrics-scraper
    replicas: {{ .Values.otel.prometheusScraping.collector.replicaCount }}
    pull_secrets: {{ $pull }}
    containers: [{name: otel-metrics-scraper, image: "{{ $images }}/sts-opentelemetry-collector:v0.0.54-agent", env: {{ $envs }}}]
  - kind: Deployment
    name: suse-observability-agent-otel-target-allocator
    replicas: {{ .Values.otel.prometheusScraping.targetAllocator.replicaCount }}
    pull_secrets: {{ $pull }}
    containers: [{name: otel-target-allocator, image: "{{ $images }}/opentelemetry-target-allocator:0.153.0-so9"}]
  {{- end }}
others:
  - apiVersion: v1
    kind: Secret
    metadata: {name: suse-observability-agent-secrets, namespace: {{ .Release.Namespace }}}
    stringData: {STS_API_KEY: "{{ .Values.stackstate.apiKey }}", STS_CLUSTER_AGENT_AUTH_TOKEN: "{{ .Values.stackstate.cluster.authToken | default (randAlphaNum 32) }}"}
