{{- $own := .Values.global.suseObservability }}
{{- $sizes := list "trial" "10-nonha" "20-nonha" "50-nonha" "100-nonha" "150-ha" "250-ha" "500-ha" "4000-ha" }}
{{- if not (has $own.sizing.profile $sizes) }}{{ fail (printf "Invalid sizing profile '%s'" $own.sizing.profile) }}{{ end }}
{{- if not $own.license }}{{ fail "global.suseObservability.license is required" }}{{ end }}
{{- if not $own.baseUrl }}{{ fail "global.suseObservability.baseUrl is required" }}{{ end }}
{{- $several := hasSuffix "-ha" $own.sizing.profile }}
{{- $count := ternary 3 1 $several }}
{{- $images := printf "%s/stackstate" (.Values.global.imageRegistry | default .Values.stackstate.components.all.image.registry) }}
{{- $pull := list }}
{{- range .Values.global.imagePullSecrets }}{{ $pull = append $pull (dict "name" .) }}{{ end }}
{{- $secrets := .Values.stackstate }}
{{- $license := $secrets.license.fromExternalSecret | default "suse-observability-license" }}
{{- $key := $secrets.apiKey.fromExternalSecret | default "suse-observability-api-key" }}
{{- $envs := list }}
{{- range $name, $secret := dict "LICENSE_KEY" $license "API_KEY" $key "default_password" ($secrets.authentication.fromExternalSecret | default "suse-observability-auth") }}
{{- $envs = append $envs (dict "name" $name "valueFrom" (dict "secretKeyRef" (dict "name" $secret "key" $name))) }}
{{- end }}
{{- $services := list "correlate" "e2es" }}
{{- $services = concat $services (ternary (list "api" "checks" "health-sync" "notification" "state" "sync" "receiver-base" "receiver-logs" "receiver-process-agent") (list "server" "receiver") $several) }}
{{- $databases := list "clickhouse-shard0" "elasticsearch-master" "kafka" "otel-collector" "victoria-metrics-0" "vmagent" "zookeeper" }}
{{- $databases = concat $databases (ternary (list "hbase-hbase-master" "hbase-hbase-rs" "hbase-hdfs-dn" "hbase-tephra" "victoria-metrics-1") (list "hbase-stackgraph" "hbase-tephra") $several) }}
workloads:
  {{- range $services }}
  - kind: Deployment
    name: suse-observability-{{ . }}
    replicas: 1
    pull_secrets: {{ toJson $pull }}
    containers: [{name: {{ . }}, image: "{{ $images }}/stackstate-server:{{ $.Chart.AppVersion }}", env: {{ toJson $envs }}}]
  {{- end }}
  - kind: Deployment
    name: suse-observability-router
    replicas: 1
    pull_secrets: {{ toJson $pull }}
    containers: [{name: router, image: "{{ $images }}/envoy:{{ .Values.stackstate.components.router.image.tag }}"}]
  - kind: Deployment
    name: suse-observability-ui
    replicas: 1
    pull_secrets: {{ toJson $pull }}
    containers: [{name: ui, image: "{{ $images }}/stackstate-ui:{{ .Chart.AppVersion }}"}]
  {{- range $databases }}
  - kind: StatefulSet
    name: suse-observability-{{ . }}
    replicas: {{ $count }}
    pull_secrets: {{ toJson $pull }}
    containers: [{name: {{ . }}, image: "{{ $images }}/{{ . }}:1"}]
  {{- end }}
others:
  {{- if not $secrets.license.fromExternalSecret }}
  - apiVersion: v1
    kind: Secret
    metadata: {name: suse-observability-license, namespace: {{ .Release.Namespace }}}
    stringData: {LICENSE_KEY: "{{ $own.license }}"}
  {{- end }}
  {{- if .Values.ingress.enabled }}
  - apiVersion: networking.k8s.io/v1
    kind: Ingress
    metadata: {name: suse-observability, namespace: {{ .Release.Namespace }}}
    spec:
      ingressClassName: {{ .Values.ingress.ingressClassName }}
      tls: {{ toJson .Values.ingress.tls }}
      rules:
        {{- range .Values.ingress.hosts }}
        - host: {{ .host }}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: suse-observability-router, port: {number: 8080}}}}]}
        {{- end }}
  {{- end }}
