{{- if and .Values.s3.enabled .Values.persistence.enabled }}{{ fail "Cannot configure both s3 and PV for storing backups" }}{{ end }}
{{- if .Values.s3.enabled }}{{ $_ := required "bucketName is required" .Values.s3.bucketName }}{{ $_ := required "endpoint is required" .Values.s3.endpoint }}{{ end }}
{{- $from := "" }}{{ with .Values.global.cattle.systemDefaultRegistry }}{{ $from = printf "%s/" . }}{{ end }}
{{- $claim := .Values.persistence.volumeName | default (printf "%s-%d" .Release.Name .Release.Revision) }}
{{- $env := list (dict "name" "CHART_NAMESPACE" "value" .Release.Namespace) }}
{{- if .Values.s3.enabled }}{{ $env = append $env (dict "name" "DEFAULT_S3_BACKUP_STORAGE_LOCATION" "value" "rancher-backup-s3") }}{{ end }}
{{- if .Values.persistence.enabled }}{{ $env = append $env (dict "name" "DEFAULT_PERSISTENCE_ENABLED" "value" "persistence-enabled") }}{{ end }}
workloads:
  - kind: Deployment
    name: rancher-backup
    pull_secrets: {{ toJson .Values.imagePullSecrets }}
    containers: [{name: rancher-backup, image: "{{ $from }}{{ .Values.image.repository }}:{{ .Values.image.tag }}", env: {{ toJson $env }}}]
jobs:
  - {name: rancher-backup-patch-sa, hook: "post-install,post-upgrade", image: "{{ $from }}{{ .Values.global.kubectl.repository }}:{{ .Values.global.kubectl.tag }}"}
others:
  {{- range list "basic" "full" }}
  - apiVersion: resources.cattle.io/v1
    kind: ResourceSet
    metadata: {name: rancher-resource-set-{{ . }}}
  {{- end }}
  {{- if .Values.s3.enabled }}
  - apiVersion: v1
    kind: Secret
    metadata: {name: rancher-backup-s3, namespace: {{ .Release.Namespace }}}
    stringData: {{ toJson (omit .Values.s3 "enabled" "insecureTLSSkipVerify") }}
  {{- end }}
  {{- if .Values.persistence.enabled }}
  - apiVersion: v1
    kind: PersistentVolumeClaim
    metadata: {name: {{ $claim }}, namespace: {{ .Release.Namespace }}}
    spec:
      accessModes: [ReadWriteOnce]
      storageClassName: {{ .Values.persistence.storageClass | replace "-" "" | quote }}
      volumeName: {{ quote .Values.persistence.volumeName }}
      resources: {requests: {storage: {{ .Values.persistence.size }}}}
  {{- end }}
