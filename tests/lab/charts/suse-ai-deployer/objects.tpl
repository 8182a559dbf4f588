{{- $registry := .Values.global.imageRegistry | default "dp.apps.rancher.io" }}
{{- $images := printf "%s/containers" $registry }}
{{- $pull := list }}
{{- range .Values.global.imagePullSecrets }}{{ $pull = append $pull (dict "name" .) }}{{ end }}
{{- $pull = toJson $pull }}
{{- $web := index .Values "open-webui" }}
{{- $milvus := .Values.milvus }}
{{- $vectors := printf "%s/milvus:%s" $images $milvus.image.all.tag }}
{{- $minio := $milvus.minio.existingSecret | default (printf "%s-minio" .Release.Name) }}
{{- $envs := list (dict "name" "MINIO_ROOT_PASSWORD" "valueFrom" (dict "secretKeyRef" (dict "name" $minio "key" "rootPassword"))) }}
workloads:
  {{- if .Values.ollama.enabled }}
  - kind: Deployment
    name: suse-ai-ollama
    replicas: 1
    pull_secrets: {{ $pull }}
    containers: [{name: ollama, image: "{{ $images }}/ollama:{{ .Values.ollama.image.tag }}"}]
  {{- end }}
  {{- if $web.enabled }}
  - kind: Deployment
    name: open-webui-redis
    replicas: 1
    pull_secrets: {{ $pull }}
    containers: [{name: open-webui-redis, image: "{{ $images }}/redis:8.4.0-2.1"}]
  - kind: StatefulSet
    name: open-webui
    replicas: 1
    pull_secrets: {{ $pull }}
    containers: [{name: open-webui, image: "{{ $images }}/open-webui:{{ $web.image.tag }}", env: {{ toJson $web.extraEnvVars }}}]
  {{- end }}
  {{- if (index .Values "open-webui-mcpo").enabled }}
  - kind: Deployment
    name: suse-ai-open-webui-mcpo
    replicas: 1
    pull_secrets: {{ $pull }}
    containers: [{name: open-webui-mcpo, image: "{{ $images }}/open-webui-mcpo:0.0.17-2.18"}]
  {{- end }}
  {{- if $milvus.enabled }}
  - kind: StatefulSet
    name: suse-ai-etcd
    replicas: {{ $milvus.etcd.replicaCount }}
    pull_secrets: {{ $pull }}
    containers: [{name: etcd, image: "{{ $images }}/etcd:3.6.12-11.1"}]
  {{- if eq $milvus.minio.mode "standalone" }}
  - kind: Deployment
    name: suse-ai-minio
    replicas: 1
    pull_secrets: {{ $pull }}
    containers: [{name: minio, image: "{{ $images }}/minio:0.20251015.172955-14.1", env: {{ toJson $envs }}}]
  {{- else }}
  - kind: StatefulSet
    name: suse-ai-minio
    replicas: {{ $milvus.minio.replicas }}
    pull_secrets: {{ $pull }}
    containers: [{name: minio, image: "{{ $images }}/minio:0.20251015.172955-14.1", env: {{ toJson $envs }}}]
  {{- end }}
  {{- if $milvus.cluster.enabled }}
  - kind: Deployment
    name: suse-ai-milvus-datanode
    replicas: 1
    pull_secrets: {{ $pull }}
    containers: [{name: datanode, image: "{{ $vectors }}", env: {{ toJson $milvus.dataNode.extraEnv }}}]
  - kind: Deployment
    name: suse-ai-milvus-mixcoord
    replicas: 1
    pull_secrets: {{ $pull }}
    containers: [{name: mixcoord, image: "{{ $vectors }}", env: {{ toJson $milvus.mixCoordinator.extraEnv }}}]
  - kind: Deployment
    name: suse-ai-milvus-proxy
    replicas: 1
    pull_secrets: {{ $pull }}
    containers: [{name: proxy, image: "{{ $vectors }}", env: {{ toJson $milvus.proxy.extraEnv }}}]
  - kind: Deployment
    name: suse-ai-milvus-querynode
    replicas: 1
    pull_secrets: {{ $pull }}
    containers: [{name: querynode, image: "{{ $vectors }}", env: {{ toJson $milvus.queryNode.extraEnv }}}]
  - kind: Deployment
    name: suse-ai-milvus-streamingnode
    replicas: 1
    pull_secrets: {{ $pull }}
    containers: [{name: streamingnode, image: "{{ $vectors }}", env: {{ toJson $milvus.streamingNode.extraEnv }}}]
  {{- else }}
  - kind: Deployment
    name: suse-ai-milvus-standalone
    replicas: 1
    pull_secrets: {{ $pull }}
    containers: [{name: standalone, image: "{{ $vectors }}", env: {{ toJson $milvus.standalone.extraEnv }}}]
  {{- end }}
  {{- if $milvus.kafka.enabled }}
  - kind: StatefulSet
    name: suse-ai-kafka-controller
    replicas: {{ $milvus.kafka.cluster.nodeCount.controller }}
    pull_secrets: {{ $pull }}
    containers: [{name: controller, image: "{{ $images }}/apache-kafka:4.1.2-8.1"}]
  - kind: StatefulSet
    name: suse-ai-kafka-broker
    replicas: {{ $milvus.kafka.cluster.nodeCount.broker }}
    pull_secrets: {{ $pull }}
    containers: [{name: broker, image: "{{ $images }}/apache-kafka:4.1.2-8.1"}]
  {{- end }}
  {{- end }}
jobs:
  {{- if $milvus.enabled }}
  - {name: suse-ai-minio-post-job, hook: "post-install,post-upgrade", image: "{{ $images }}/mc:0.20250813.083541-14.1"}
  {{- end }}
others:
  {{- if $milvus.enabled }}
  - apiVersion: v1
    kind: ConfigMap
    metadata: {name: {{ .Release.Name }}-milvus, namespace: {{ .Release.Namespace }}}
    data: {default.yaml: {{ toJson (printf "minio: {accessKeyID: %q, secretAccessKey: %q}" $milvus.minio.rootUser $milvus.minio.rootPassword) }}}
  {{- if not $milvus.minio.existingSecret }}
  - apiVersion: v1
    kind: Secret
    metadata: {name: {{ $minio }}, namespace: {{ .Release.Namespace }}}
    stringData: {rootUser: "{{ $milvus.minio.rootUser }}", rootPassword: "{{ $milvus.minio.rootPassword }}"}
  {{- end }}
  {{- end }}
  {{- if and .Values.ollama.enabled .Values.ollama.persistentVolume.enabled }}
  - apiVersion: v1
    kind: PersistentVolumeClaim
    metadata: {name: {{ .Release.Name }}-ollama, namespace: {{ .Release.Namespace }}}
    spec:
      accessModes: [ReadWriteOnce]
      {{- with .Values.ollama.persistentVolume.storageClass }}
      storageClassName: {{ . }}
      {{- end }}
      resources: {requests: {storage: {{ .Values.ollama.persistentVolume.size }}}}
  {{- end }}
  {{- if and $web.enabled $web.ingress.enabled }}
  - apiVersion: networking.k8s.io/v1
    kind: Ingress
    metadata: {name: open-webui, namespace: {{ .Release.Namespace }}}
    spec:
      ingressClassName: {{ $web.ingress.class }}
      tls: [{secretName: {{ $web.ingress.existingSecret }}, hosts: [{{ $web.ingress.host }}]}]
      rules:
        - host: {{ $web.ingress.host }}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: open-webui, port: {name: http}}}}]}
  {{- end }}
