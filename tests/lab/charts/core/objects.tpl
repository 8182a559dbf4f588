{{- $controller := .Values.controller }}
{{- $from := .Values.registry }}
{{- $tag := .Values.tag }}
{{- $pull := list }}{{ with .Values.imagePullSecrets }}{{ $pull = list (dict "name" .) }}{{ end }}
{{- $join := dict "name" "CLUSTER_JOIN_ADDR" "value" (printf "neuvector-svc-controller.%s" .Release.Namespace) }}
{{- $settings := dict "name" "SETTINGS" "value" (toJson $controller.podAnnotations) }}
{{- if .Values.crdwebhook.enabled }}{{ fail "crdwebhook.enabled: the definitions come by the chart crd" }}{{ end }}
workloads:
  - kind: Deployment
    name: neuvector-controller-pod
    replicas: {{ $controller.replicas }}
    pull_secrets: {{ toJson $pull }}
    containers: [{name: neuvector-controller-pod, image: "{{ $from }}/{{ $controller.image.repository }}:{{ $tag }}", env: {{ toJson (list $join $settings) }}}]
  - kind: Deployment
    name: neuvector-manager-pod
    replicas: 1
    pull_secrets: {{ toJson $pull }}
    containers: [{name: neuvector-manager-pod, image: "{{ $from }}/{{ .Values.manager.image.repository }}:{{ $tag }}"}]
  - kind: Deployment
    name: neuvector-scanner-pod
    replicas: {{ .Values.cve.scanner.replicas }}
    pull_secrets: {{ toJson $pull }}
    containers: [{name: neuvector-scanner-pod, image: "{{ $from }}/{{ .Values.cve.scanner.image.repository }}:{{ .Values.cve.scanner.image.tag }}", env: {{ toJson (list $join) }}}]
  - kind: DaemonSet
    name: neuvector-enforcer-pod
    pull_secrets: {{ toJson $pull }}
    tolerations: {{ toJson .Values.enforcer.tolerations }}
    containers: [{name: neuvector-enforcer-pod, image: "{{ $from }}/{{ .Values.enforcer.image.repository }}:{{ $tag }}", env: {{ toJson (list $join) }}}]
others:
  - apiVersion: v1
    kind: Service
    metadata: {name: neuvector-service-webui, namespace: {{ .Release.Namespace }}}
    spec: {selector: {app: neuvector-manager-pod}, ports: [{name: manager, port: 8443}]}
  {{- with $controller.apisvc.type }}
  - apiVersion: v1
    kind: Service
    metadata: {name: neuvector-svc-controller-api, namespace: {{ $.Release.Namespace }}}
    spec: {type: {{ . }}, selector: {app: neuvector-controller-pod}, ports: [{name: controller-api, port: 10443}]}
  {{- end }}
  {{- range $name, $service := $controller.federation }}
  {{- with $service.type }}
  - apiVersion: v1
    kind: Service
    metadata: {name: neuvector-{{ $name }}, namespace: {{ $.Release.Namespace }}}
    spec: {type: {{ . }}, selector: {app: neuvector-controller-pod}, ports: [{name: fed, port: 11443}]}
  {{- end }}
  {{- end }}
  {{- if .Values.bootstrapPassword }}
  - apiVersion: v1
    kind: Secret
    metadata: {name: neuvector-bootstrap-secret, namespace: {{ .Release.Namespace }}}
    stringData: {bootstrapPassword: {{ quote .Values.bootstrapPassword }}}
  {{- end }}
  {{- if $controller.pvc.enabled }}
  - apiVersion: v1
    kind: PersistentVolumeClaim
    metadata: {name: neuvector-data, namespace: {{ .Release.Namespace }}}
    spec:
      accessModes: {{ toJson $controller.pvc.accessModes }}
      storageClassName: {{ quote $controller.pvc.storageClass }}
      resources: {requests: {storage: {{ $controller.pvc.capacity }}}}
  {{- end }}
  {{- if $controller.disruptionbudget }}
  - apiVersion: policy/v1
    kind: PodDisruptionBudget
    metadata: {name: neuvector-controller-pdb, namespace: {{ .Release.Namespace }}}
    spec: {minAvailable: {{ $controller.disruptionbudget }}, selector: {matchLabels: {app: neuvector-controller-pod}}}
  {{- end }}
  {{- if .Values.cve.updater.enabled }}
  - apiVersion: batch/v1
    kind: CronJob
    metadata: {name: neuvector-updater-pod, namespace: {{ .Release.Namespace }}}
    spec:
      schedule: 0 0 * * *
      jobTemplate:
        spec:
          template:
            spec:
              restartPolicy: Never
              containers: [{name: neuvector-updater-pod, image: "{{ $from }}/{{ .Values.cve.updater.image.repository }}:{{ .Values.cve.updater.image.tag }}"}]
  {{- end }}
  {{- with .Values.manager.ingress }}
  {{- if .enabled }}
  - apiVersion: networking.k8s.io/v1
    kind: Ingress
    metadata: {name: neuvector-webui-ingress, namespace: {{ $.Release.Namespace }}, annotations: {{ toJson .annotations }}}
    spec:
      ingressClassName: {{ .ingressClassName }}
      tls: [{hosts: [{{ quote .host }}], secretName: {{ .secretName }}}]
      rules:
        - host: {{ quote .host }}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: neuvector-service-webui, port: {number: 8443}}}}]}
  {{- end }}
  {{- end }}
