{{- $tag := .Values.image.longhorn.manager.tag | default .Chart.AppVersion }}
{{- $image := printf "%s/longhornio" .Values.global.imageRegistry }}
{{- $manager := printf "%s/longhorn-manager:%s" $image $tag }}
{{- $pull := list }}
{{- range .Values.global.imagePullSecrets }}{{ $pull = append $pull (dict "name" .) }}{{ end }}
crds:
  {{- range list "BackingImage" "Backup" "BackupTarget" "BackupVolume" "Engine" "EngineImage" "InstanceManager" "Node" "RecurringJob" "Replica" "Setting" "ShareManager" "Snapshot" "SystemBackup" "Volume" }}
  - {group: longhorn.io, version: v1beta2, scope: Namespaced, kind: {{ . }}, plural: {{ lower . }}s}
  {{- end }}
workloads:
  - kind: DaemonSet
    name: longhorn-manager
    pull_secrets: {{ toJson $pull }}
    containers: [{name: longhorn-manager, image: "{{ $manager }}"}]
  - kind: Deployment
    name: longhorn-driver-deployer
    replicas: 1
    pull_secrets: {{ toJson $pull }}
    containers:
      - name: longhorn-driver-deployer
        image: "{{ $manager }}"
        {{- with .Values.csi.attacherReplicaCount }}
        env: [{name: CSI_ATTACHER_REPLICA_COUNT, value: "{{ . }}"}]
        {{- end }}
  - kind: Deployment
    name: longhorn-ui
    replicas: {{ .Values.longhornUI.replicas }}
    pull_secrets: {{ toJson $pull }}
    containers: [{name: longhorn-ui, image: "{{ $image }}/longhorn-ui:{{ $tag }}"}]
jobs:
  {{- if .Values.preUpgradeChecker.jobEnabled }}
  - {name: longhorn-pre-upgrade, hook: pre-upgrade, image: "{{ $manager }}"}
  {{- end }}
  - {name: longhorn-post-upgrade, hook: post-upgrade, image: "{{ $manager }}"}
  - {name: longhorn-uninstall, hook: pre-delete, image: "{{ $manager }}"}
others:
  - apiVersion: v1
    kind: ConfigMap
    metadata: {name: longhorn-default-setting, namespace: {{ .Release.Namespace }}}
    data:
      default-setting.yaml: {{ toJson (toJson .Values.defaultSettings) }}
  - apiVersion: v1
    kind: ConfigMap
    metadata: {name: longhorn-storageclass, namespace: {{ .Release.Namespace }}}
    data:
      storageclass.yaml: {{ toJson (toJson .Values.persistence) }}
  {{- if .Values.networkPolicies.restrictInternalTraffic }}
  - apiVersion: networking.k8s.io/v1
    kind: NetworkPolicy
    metadata: {name: longhorn-manager, namespace: {{ .Release.Namespace }}}
    spec: {podSelector: {matchLabels: {app: longhorn-manager}}, policyTypes: [Ingress]}
  {{- end }}
