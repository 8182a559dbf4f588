{{- /* Every stand-in chart is data: objects.tpl, a template itself, says in short what this file writes out. */ -}}
{{- $all := tpl (.Files.Get "objects.tpl") . | fromYaml -}}
{{- if hasKey $all "Error" }}{{ fail $all.Error }}{{ end -}}
{{- range $all.crds }}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: {{ .plural }}.{{ .group }}
  {{- if .keep }}
  annotations: {helm.sh/resource-policy: keep}
  {{- end }}
spec:
  group: {{ .group }}
  scope: {{ .scope }}
  names: {kind: {{ .kind }}, plural: {{ .plural }}, singular: {{ lower .kind }}}
  versions:
    - name: {{ .version }}
      served: true
      storage: true
      {{- if not .no_status }}
      subresources: {status: {}}
      {{- end }}
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
{{- end }}
{{- range $all.workloads }}
{{- $labels := .selector | default (dict "app" .name) }}
---
apiVersion: apps/v1
kind: {{ .kind }}
metadata: {name: {{ .name }}, namespace: {{ $.Release.Namespace }}, labels: {{ toJson $labels }}}
spec:
  {{- if hasKey . "replicas" }}
  replicas: {{ .replicas }}
  {{- end }}
  {{- if eq .kind "StatefulSet" }}
  serviceName: {{ .name }}
  {{- end }}
  selector: {matchLabels: {{ toJson $labels }}}
  template:
    metadata: {labels: {{ toJson $labels }}{{ with .annotations }}, annotations: {{ toJson . }}{{ end }}}
    spec:
      {{- with .pull_secrets }}
      imagePullSecrets: {{ toJson . }}
      {{- end }}
      {{- with .tolerations }}
      tolerations: {{ toJson . }}
      {{- end }}
      {{- with .node_selector }}
      nodeSelector: {{ toJson . }}
      {{- end }}
      containers:
        {{- range .containers }}
        - {name: {{ .name }}, image: {{ .image | quote }}{{ with .args }}, args: {{ toJson . }}{{ end }}{{ with .env }}, env: {{ toJson . }}{{ end }}}
        {{- end }}
{{- end }}
{{- range $all.jobs }}
---
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .name }}
  namespace: {{ $.Release.Namespace }}
  annotations: {helm.sh/hook: {{ .hook | quote }}, helm.sh/hook-delete-policy: "before-hook-creation,hook-succeeded"}
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      containers:
        - {name: {{ .name }}, image: {{ .image | quote }}}
{{- end }}
{{- range $all.others }}
---
{{ toYaml . }}
{{- end }}
