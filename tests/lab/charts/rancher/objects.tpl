{{- $registry := .Values.image.registry | default .Values.systemDefaultRegistry }}
{{- $from := "" }}{{ with $registry }}{{ $from = printf "%s/" . }}{{ end }}
{{- $env := list (dict "name" "CATTLE_NAMESPACE" "value" .Release.Namespace) (dict "name" "CATTLE_PEER_SERVICE" "value" "rancher") }}
{{- with .Values.systemDefaultRegistry }}{{ $env = append $env (dict "name" "CATTLE_SYSTEM_DEFAULT_REGISTRY" "value" .) }}{{ end }}
{{- if .Values.useBundledSystemChart }}{{ $env = append $env (dict "name" "CATTLE_SYSTEM_CATALOG" "value" "bundled") }}{{ end }}
{{- with .Values.agentTLSMode }}{{ $env = append $env (dict "name" "CATTLE_AGENT_TLS_MODE" "value" .) }}{{ end }}
{{- $source := .Values.ingress.tls.source }}
{{- $args := list "--http-listen-port=80" "--https-listen-port=443" "--add-local=true" }}
{{- if and (eq $source "letsEncrypt") (not .Values.privateCA) }}{{ $args = prepend $args "--no-cacerts" }}{{ end }}
workloads:
  - kind: Deployment
    name: rancher
    {{- if ge (int .Values.replicas) 0 }}
    replicas: {{ .Values.replicas }}
    {{- end }}
    pull_secrets: {{ toJson .Values.imagePullSecrets }}
    containers:
      - name: rancher
        image: "{{ $from }}{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
        args: {{ toJson $args }}
        env: {{ toJson (concat $env .Values.extraEnv) }}
jobs:
  - {name: rancher-pre-upgrade, hook: pre-upgrade, image: "{{ $from }}{{ .Values.preUpgrade.image.repository }}:{{ .Values.preUpgrade.image.tag }}"}
  {{- if .Values.postDelete.enabled }}
  - {name: rancher-post-delete, hook: post-delete, image: "{{ $from }}{{ .Values.postDelete.image.repository }}:{{ .Values.postDelete.image.tag }}"}
  {{- end }}
others:
  - apiVersion: v1
    kind: Service
    metadata: {name: rancher, namespace: {{ .Release.Namespace }}}
    spec: {selector: {app: rancher}, ports: [{name: http, port: 80}, {name: https, port: 443}]}
  {{- if .Values.bootstrapPassword }}
  - apiVersion: v1
    kind: Secret
    metadata: {name: bootstrap-secret, namespace: {{ .Release.Namespace }}, annotations: {helm.sh/resource-policy: keep}}
    stringData: {bootstrapPassword: {{ quote .Values.bootstrapPassword }}}
  {{- end }}
  {{- if and (eq .Values.tls "ingress") (ne $source "secret") }}
  - apiVersion: cert-manager.io/v1
    kind: Issuer
    metadata: {name: rancher, namespace: {{ .Release.Namespace }}}
    {{- if eq $source "letsEncrypt" }}
    spec: {acme: {email: {{ quote .Values.letsEncrypt.email }}, solvers: [{http01: {ingress: {class: {{ quote .Values.letsEncrypt.ingress.class }}}}}]}}
    {{- else }}
    spec: {ca: {secretName: tls-rancher}}
    {{- end }}
  {{- end }}
  {{- $notes := .Values.ingress.extraAnnotations }}
  {{- if ne $source "secret" }}{{ $notes = merge (dict "cert-manager.io/issuer" "rancher" "cert-manager.io/issuer-kind" "Issuer") $notes }}{{ end }}
  {{- if .Values.ingress.enabled }}
  - apiVersion: networking.k8s.io/v1
    kind: Ingress
    metadata: {name: rancher, namespace: {{ .Release.Namespace }}, annotations: {{ toJson $notes }}}
    spec:
      {{- with .Values.ingress.ingressClassName }}
      ingressClassName: {{ . }}
      {{- end }}
      tls: [{hosts: [{{ quote .Values.hostname }}], secretName: {{ .Values.ingress.tls.secretName }}}]
      rules:
        - host: {{ quote .Values.hostname }}
          http: {paths: [{path: /, pathType: ImplementationSpecific, backend: {service: {name: rancher, port: {number: 80}}}}]}
  {{- end }}
