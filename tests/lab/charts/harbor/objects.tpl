{{- $tag := "v2.15.1" }}
{{- $pull := toJson (.Values.imagePullSecrets | default list) }}
{{- $claim := .Values.persistence.persistentVolumeClaim.registry }}
workloads:
  - kind: Deployment
    name: harbor-core
    replicas: {{ .Values.core.replicas }}
    pull_secrets: {{ $pull }}
    containers: [{name: core, image: "{{ .Values.core.image.repository }}:{{ .Values.core.image.tag }}"}]
  - kind: Deployment
    name: harbor-jobservice
    replicas: {{ .Values.jobservice.replicas }}
    pull_secrets: {{ $pull }}
    containers: [{name: jobservice, image: "{{ .Values.jobservice.image.repository }}:{{ $tag }}"}]
  - kind: Deployment
    name: harbor-portal
    replicas: {{ .Values.portal.replicas }}
    pull_secrets: {{ $pull }}
    containers: [{name: portal, image: "{{ .Values.portal.image.repository }}:{{ $tag }}"}]
  - kind: Deployment
    name: harbor-registry
    replicas: {{ .Values.registry.replicas }}
    pull_secrets: {{ $pull }}
    containers: [{name: registry, image: "{{ .Values.registry.registry.image.repository }}:{{ $tag }}"}, {name: registryctl, image: "{{ .Values.registry.controller.image.repository }}:{{ $tag }}"}]
  {{- if .Values.metrics.enabled }}
  - kind: Deployment
    name: harbor-exporter
    replicas: {{ .Values.exporter.replicas }}
    pull_secrets: {{ $pull }}
    containers: [{name: exporter, image: "{{ .Values.exporter.image.repository }}:{{ $tag }}"}]
  {{- end }}
  {{- if eq .Values.database.type "internal" }}
  - kind: StatefulSet
    name: harbor-database
    replicas: 1
    pull_secrets: {{ $pull }}
    containers: [{name: database, image: "{{ .Values.database.internal.image.repository }}:{{ $tag }}"}]
  {{- end }}
  {{- if eq .Values.redis.type "internal" }}
  - kind: StatefulSet
    name: harbor-redis
    replicas: 1
    pull_secrets: {{ $pull }}
    containers: [{name: redis, image: "{{ .Values.redis.internal.image.repository }}:{{ $tag }}"}]
  {{- end }}
  {{- if .Values.trivy.enabled }}
  - kind: StatefulSet
    name: harbor-trivy
    replicas: {{ .Values.trivy.replicas }}
    pull_secrets: {{ $pull }}
    containers: [{name: trivy, image: "{{ .Values.trivy.image.repository }}:{{ $tag }}"}]
  {{- end }}
others:
  {{- if eq .Values.persistence.imageChartStorage.type "filesystem" }}
  - apiVersion: v1
    kind: PersistentVolumeClaim
    metadata: {name: harbor-registry, namespace: {{ .Release.Namespace }}, annotations: {helm.sh/resource-policy: keep}}
    spec:
      accessModes: [{{ $claim.accessMode }}]
      {{- with $claim.storageClass }}
      storageClassName: {{ . }}
      {{- end }}
      resources: {requests: {storage: {{ $claim.size }}}}
  {{- end }}
  - apiVersion: networking.k8s.io/v1
    kind: Ingress
    metadata: {name: harbor-ingress, namespace: {{ .Release.Namespace }}}
    spec:
      ingressClassName: {{ .Values.expose.ingress.className }}
      tls: [{secretName: {{ .Values.expose.tls.secret.secretName | default "harbor-ingress" }}, hosts: [{{ .Values.expose.ingress.hosts.core }}]}]
      rules:
        - host: {{ .Values.expose.ingress.hosts.core }}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: harbor-portal, port: {number: 80}}}}]}
