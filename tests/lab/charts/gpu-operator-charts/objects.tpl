{{- $image := printf "%s:%s" .Values.controllerManager.manager.image.repository .Values.controllerManager.manager.image.tag }}
{{- $pull := toJson .Values.global.imagePullSecrets }}
{{- $nfd := index .Values "node-feature-discovery" }}
workloads:
  - kind: Deployment
    name: amd-gpu-operator-gpu-operator-charts-controller-manager
    replicas: 1
    pull_secrets: {{ $pull }}
    containers: [{name: manager, image: "{{ $image }}"}]
  {{- if .Values.kmm.enabled }}
  - kind: Deployment
    name: amd-gpu-operator-kmm-controller
    replicas: 1
    pull_secrets: {{ $pull }}
    containers: [{name: manager, image: "docker.io/rocm/kernel-module-management-operator:latest"}]
  - kind: Deployment
    name: amd-gpu-operator-kmm-webhook-server
    replicas: 1
    pull_secrets: {{ $pull }}
    containers: [{name: webhook-server, image: "docker.io/rocm/kernel-module-management-webhook-server:latest"}]
  {{- end }}
  {{- if $nfd.enabled }}
  - kind: Deployment
    name: amd-gpu-operator-node-feature-discovery-master
    replicas: 1
    pull_secrets: {{ $pull }}
    containers: [{name: master, image: "registry.k8s.io/nfd/node-feature-discovery:v0.18.3"}]
  - kind: Deployment
    name: amd-gpu-operator-node-feature-discovery-gc
    replicas: 1
    pull_secrets: {{ $pull }}
    containers: [{name: gc, image: "registry.k8s.io/nfd/node-feature-discovery:v0.18.3"}]
  - kind: DaemonSet
    name: amd-gpu-operator-node-feature-discovery-worker
    pull_secrets: {{ $pull }}
    containers: [{name: worker, image: "registry.k8s.io/nfd/node-feature-discovery:v0.18.3"}]
  {{- end }}
  {{- if .Values.remediation.enabled }}
  - kind: Deployment
    name: amd-gpu-operator-workflow-controller
    pull_secrets: {{ $pull }}
    containers: [{name: workflow-controller, image: "quay.io/argoproj/workflow-controller:v4.0.3"}]
  {{- end }}
jobs:
  - {name: delete-leftover-deviceconfigs, hook: pre-delete, image: "{{ $image }}"}
  - {name: pre-upgrade-check, hook: pre-upgrade, image: "{{ $image }}"}
others:
  {{- if or (and .Release.IsInstall .Values.crds.defaultCR.install) (and .Release.IsUpgrade .Values.crds.defaultCR.upgrade) }}
  - apiVersion: amd.com/v1alpha1
    kind: DeviceConfig
    metadata: {name: default, namespace: {{ .Release.Namespace }}, annotations: {helm.sh/resource-policy: keep}}
    spec: {{ toJson .Values.deviceConfig.spec }}
  {{- end }}
