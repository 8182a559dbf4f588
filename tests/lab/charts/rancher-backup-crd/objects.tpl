crds:
  {{- range list "Backup" "ResourceSet" "Restore" }}
  - {group: resources.cattle.io, version: v1, scope: Cluster, kind: {{ . }}, plural: {{ lower . }}s}
  {{- end }}
