{{- $tag := .Values.image.tag | default .Chart.AppVersion }}
{{- $image := printf "%s/%s/cert-manager" .Values.imageRegistry .Values.imageNamespace }}
{{- $pull := toJson .Values.global.imagePullSecrets }}
{{- if .Values.crds.enabled }}
crds:
  {{- range list "CertificateRequest" "Certificate" "Issuer" }}
  - {group: cert-manager.io, version: v1, scope: Namespaced, kind: {{ . }}, plural: {{ lower . }}s, keep: {{ $.Values.crds.keep }}}
  {{- end }}
  - {group: cert-manager.io, version: v1, scope: Cluster, kind: ClusterIssuer, plural: clusterissuers, keep: {{ .Values.crds.keep }}}
  - {group: acme.cert-manager.io, version: v1, scope: Namespaced, kind: Challenge, plural: challenges, keep: {{ .Values.crds.keep }}}
  - {group: acme.cert-manager.io, version: v1, scope: Namespaced, kind: Order, plural: orders, keep: {{ .Values.crds.keep }}}
{{- end }}
workloads:
  - kind: Deployment
    name: cert-manager
    replicas: {{ .Values.replicaCount }}
    pull_secrets: {{ $pull }}
    containers: [{name: cert-manager-controller, image: "{{ $image }}-controller:{{ $tag }}"}]
  - kind: Deployment
    name: cert-manager-cainjector
    replicas: {{ .Values.cainjector.replicaCount }}
    pull_secrets: {{ $pull }}
    containers: [{name: cert-manager-cainjector, image: "{{ $image }}-cainjector:{{ $tag }}"}]
  - kind: Deployment
    name: cert-manager-webhook
    replicas: {{ .Values.webhook.replicaCount }}
    pull_secrets: {{ $pull }}
    containers: [{name: cert-manager-webhook, image: "{{ $image }}-webhook:{{ $tag }}"}]
{{- if .Values.startupapicheck.enabled }}
jobs:
  - {name: cert-manager-startupapicheck, hook: post-install, image: "{{ $image }}-startupapicheck:{{ $tag }}"}
{{- end }}
others:
  {{- range $name, $on := dict "cert-manager" .Values.podDisruptionBudget.enabled "cert-manager-webhook" .Values.webhook.podDisruptionBudget.enabled "cert-manager-cainjector" .Values.cainjector.podDisruptionBudget.enabled }}
  {{- if $on }}
  - apiVersion: policy/v1
    kind: PodDisruptionBudget
    metadata: {name: {{ $name }}, namespace: {{ $.Release.Namespace }}}
    spec: {minAvailable: 1, selector: {matchLabels: {app: {{ $name }}}}}
  {{- end }}
  {{- end }}
