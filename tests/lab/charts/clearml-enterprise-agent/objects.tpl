{{- range list "apiServerUrlReference" "webServerUrlReference" }}
{{- if not (index $.Values.agentk8sglue .) }}{{ fail (printf "agentk8sglue.%s must be set" .) }}{{ end }}
{{- end }}
{{- if not .Values.clearml.existingAgentk8sglueSecret }}{{ fail "clearml.existingAgentk8sglueSecret must be set" }}{{ end }}
{{- $secret := .Values.clearml.existingAgentk8sglueSecret }}
workloads:
  - kind: Deployment
    name: {{ .Release.Name }}
    selector: {app.kubernetes.io/name: clearml-enterprise-agent, app.kubernetes.io/instance: {{ .Release.Name }}}
    replicas: 1
    annotations: {{ toJson .Values.agentk8sglue.annotations }}
    pull_secrets: {{ toJson .Values.imageCredentials.extraImagePullSecrets }}
    containers:
      - name: k8s-glue
        image: "docker.io/clearml/clearml-enterprise-agent-k8s-base:{{ .Chart.AppVersion }}"
        env:
          - {name: CLEARML_API_HOST, value: "{{ .Values.agentk8sglue.apiServerUrlReference }}"}
          - {name: CLEARML_API_ACCESS_KEY, valueFrom: {secretKeyRef: {name: {{ $secret }}, key: agentk8sglue_key}}}
          - {name: CLEARML_API_SECRET_KEY, valueFrom: {secretKeyRef: {name: {{ $secret }}, key: agentk8sglue_secret}}}
others:
  - apiVersion: v1
    kind: ConfigMap
    metadata: {name: {{ .Release.Name }}-queues, namespace: {{ .Release.Namespace }}}
    data:
      {{- range $queue, $setting := .Values.agentk8sglue.queues }}
      {{ $queue }}.json: {{ toJson (toJson $setting) }}
      {{- end }}
