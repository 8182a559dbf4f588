{{- if and .Values.devicePlugin.config.create (not .Values.devicePlugin.config.data) }}
{{- fail "devicePlugin.config.data cannot be empty when devicePlugin.config.create is set to true" }}
{{- end }}
{{- $image := printf "%s/%s:%s" .Values.operator.repository .Values.operator.image .Chart.AppVersion }}
{{- $nfd := index .Values "node-feature-discovery" }}
{{- $nfd_image := printf "%s:%s" $nfd.image.repository ($nfd.image.tag | default "v0.19.0") }}
{{- $pull := list }}
{{- range .Values.operator.imagePullSecrets }}{{ $pull = append $pull (dict "name" .) }}{{ end }}
workloads:
  - kind: Deployment
    name: gpu-operator
    replicas: 1
    pull_secrets: {{ toJson $pull }}
    containers: [{name: gpu-operator, image: "{{ $image }}"}]
  {{- if .Values.nfd.enabled }}
  - kind: Deployment
    name: gpu-operator-node-feature-discovery-master
    replicas: 1
    pull_secrets: {{ toJson $nfd.imagePullSecrets }}
    containers: [{name: master, image: "{{ $nfd_image }}"}]
  - kind: Deployment
    name: gpu-operator-node-feature-discovery-gc
    replicas: 1
    pull_secrets: {{ toJson $nfd.imagePullSecrets }}
    containers: [{name: gc, image: "{{ $nfd_image }}"}]
  - kind: DaemonSet
    name: gpu-operator-node-feature-discovery-worker
    pull_secrets: {{ toJson $nfd.imagePullSecrets }}
    containers: [{name: worker, image: "{{ $nfd_image }}"}]
  {{- end }}
jobs:
  - {name: gpu-operator-cleanup-gpucluster, hook: pre-delete, image: "{{ $image }}"}
  {{- if .Values.operator.upgradeCRD }}
  - {name: gpu-operator-upgrade-crd, hook: pre-upgrade, image: "{{ $image }}"}
  {{- end }}
others:
  - apiVersion: nvidia.com/v1
    kind: ClusterPolicy
    metadata: {name: cluster-policy}
    spec:
      {{- range list "cdi" "mig" "daemonsets" "driver" "toolkit" "devicePlugin" "dcgmExporter" "migManager" }}
      {{ . }}: {{ toJson (index $.Values .) }}
      {{- end }}
