{{- if not .Values.clearml.apiServerUrlReference }}{{ fail "clearml.apiServerUrlReference must be set" }}{{ end }}
{{- $name := .Release.Name }}
workloads:
  - kind: Deployment
    name: {{ $name }}
    replicas: 1
    pull_secrets: {{ toJson .Values.imageCredentials.existingImagePullSecrets }}
    containers:
      - name: router
        image: "docker.io/clearml/clearml-enterprise-app-gateway:{{ .Chart.AppVersion }}"
        env: [{name: CLEARML_API_HOST, value: "{{ .Values.clearml.apiServerUrlReference }}"}]
others:
  {{- if .Values.ingress.enabled }}
  - apiVersion: networking.k8s.io/v1
    kind: Ingress
    metadata: {name: {{ $name }}, namespace: {{ .Release.Namespace }}}
    spec:
      rules:
        - host: {{ .Values.ingress.hostName | quote }}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: {{ $name }}, port: {number: 80}}}}]}
  {{- end }}
  {{- if .Values.streamSession.routerAddress }}
  - apiVersion: v1
    kind: Service
    metadata: {name: {{ $name }}-stream, namespace: {{ .Release.Namespace }}}
    spec:
      type: {{ .Values.streamSession.service.type }}
      selector: {app: {{ $name }}}
      ports:
        {{- range untilStep (int .Values.streamSession.portRange.start) (int (add1 .Values.streamSession.portRange.end)) 1 }}
        - {name: tcp-{{ . }}, port: {{ . }}}
        {{- end }}
  {{- end }}
