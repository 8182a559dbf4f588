{{- range list "apiKey" "apiSecret" "apiServerUrlReference" }}
{{- if not (index $.Values.clearml .) }}{{ fail (printf "clearml.%s must be set" .) }}{{ end }}
{{- end }}
{{- /* For a test of what is shown of an error: a chart may repeat a value. */}}
{{- if eq .Values.externalURL "tell" }}{{ fail (printf "a chart that tells what it got: %s" .Values.clearml.apiSecret) }}{{ end }}
{{- $name := .Release.Name }}
{{- /* Before 3.0.0 sessions had another name, which newer charts pass over in silence. */}}
{{- $session := ternary (.Values.tcpSession | default dict) .Values.streamSession (semverCompare "<3.0.0-0" .Chart.Version) }}
workloads:
  - kind: Deployment
    name: {{ $name }}
    selector: {app.kubernetes.io/name: clearml-enterprise-app-gateway, app.kubernetes.io/instance: {{ $name }}}
    replicas: 1
    pull_secrets: {{ toJson .Values.imageCredentials.existingImagePullSecrets }}
    containers:
      - name: router
        image: "docker.io/clearml/clearml-enterprise-app-gateway:{{ .Chart.AppVersion }}"
        env:
          - {name: CLEARML_API_HOST, value: "{{ .Values.clearml.apiServerUrlReference }}"}
          - {name: ROUTER__COOKIE, value: {{ .Values.clearml.authCookieName | quote }}}
          - {name: CLEARML_API_ACCESS_KEY, valueFrom: {secretKeyRef: {name: {{ $name }}, key: apiKey}}}
          - {name: CLEARML_API_SECRET_KEY, valueFrom: {secretKeyRef: {name: {{ $name }}, key: apiSecret}}}
others:
  - apiVersion: v1
    kind: Secret
    metadata: {name: {{ $name }}, namespace: {{ .Release.Namespace }}}
    data: {apiKey: {{ .Values.clearml.apiKey | b64enc }}, apiSecret: {{ .Values.clearml.apiSecret | b64enc }}}
  {{- if .Values.ingress.enabled }}
  - apiVersion: networking.k8s.io/v1
    kind: Ingress
    metadata: {name: {{ $name }}, namespace: {{ .Release.Namespace }}}
    spec:
      rules:
        - host: {{ .Values.ingress.hostName | quote }}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: {{ $name }}, port: {number: 80}}}}]}
  {{- end }}
  {{- with $session.routerAddress }}
  - apiVersion: v1
    kind: Service
    metadata: {name: {{ $name }}-stream, namespace: {{ $.Release.Namespace }}, annotations: {router-address: {{ . | quote }}}}
    spec:
      type: {{ $session.service.type }}
      {{- with $session.service.loadBalancerClass }}
      loadBalancerClass: {{ . }}
      {{- end }}
      selector: {app.kubernetes.io/instance: {{ $name }}}
      ports:
        {{- range untilStep (int $session.portRange.start) (int (add1 $session.portRange.end)) 1 }}
        - {name: tcp-{{ . }}, port: {{ . }}}
        {{- end }}
  {{- end }}
