{{- if not .Values.clearml.cookieDomain }}{{ fail "clearml.cookieDomain must be set" }}{{ end }}
{{- $name := .Release.Name }}
{{- $pull := toJson .Values.imageCredentials.existingImagePullSecrets }}
{{- $secret := .Values.clearml.existingSecret }}
{{- $envs := list }}
{{- range $variable, $key := dict "CLEARML__secure__credentials__apiserver__user_key" "apiserver_key" "CLEARML__secure__credentials__apiserver__user_secret" "apiserver_secret" "CLEARML__secure__auth__token_secret" "secure_auth_token_secret" }}
{{- $envs = append $envs (dict "name" $variable "valueFrom" (dict "secretKeyRef" (dict "name" $secret "key" $key))) }}
{{- end }}
{{- $envs = concat $envs .Values.apiserver.extraEnvs }}
workloads:
  {{- range $part := list "apiserver" "fileserver" "webserver" }}
  - kind: Deployment
    name: {{ $name }}-{{ $part }}
    selector: {app.kubernetes.io/name: clearml-enterprise, app.kubernetes.io/instance: {{ $name }}-{{ $part }}}
    replicas: {{ (index $.Values $part).replicaCount }}
    pull_secrets: {{ $pull }}
    containers:
      - name: clearml-{{ $part }}
        image: "docker.io/clearml/clearml-enterprise:{{ $.Chart.AppVersion }}"
        {{- if eq $part "apiserver" }}
        env: {{ toJson $envs }}
        {{- end }}
  {{- end }}
  - kind: StatefulSet
    name: {{ $name }}-elastic-master
    replicas: {{ .Values.elasticsearch.replicas }}
    containers: [{name: elasticsearch, image: "docker.elastic.co/elasticsearch/elasticsearch:8.5.1"}]
  {{- if .Values.mongodb.enabled }}
  - kind: StatefulSet
    name: {{ $name }}-mongodb
    replicas: {{ .Values.mongodb.replicaCount }}
    containers: [{name: mongodb, image: "docker.io/bitnami/mongodb:7"}]
  {{- end }}
others:
  {{- range $part := list "apiserver" "fileserver" "webserver" }}
  {{- $ingress := (index $.Values $part).ingress }}
  {{- if $ingress.enabled }}
  - apiVersion: networking.k8s.io/v1
    kind: Ingress
    metadata: {name: {{ $name }}-{{ $part }}, namespace: {{ $.Release.Namespace }}}
    spec:
      ingressClassName: {{ $ingress.ingressClassName }}
      rules:
        - host: {{ $ingress.hostName }}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: {{ $name }}-{{ $part }}, port: {number: 80}}}}]}
      {{- with $ingress.tlsSecretName }}
      tls: [{hosts: [{{ $ingress.hostName }}], secretName: {{ . }}}]
      {{- end }}
  {{- end }}
  {{- end }}
  {{- with .Values.fileserver.storage.data }}
  - apiVersion: v1
    kind: PersistentVolumeClaim
    metadata: {name: {{ $name }}-fileserver-data, namespace: {{ $.Release.Namespace }}}
    spec:
      accessModes: [{{ .accessMode }}]
      {{- if .class }}
      storageClassName: {{ .class }}
      {{- end }}
      resources: {requests: {storage: {{ .size }}}}
  {{- end }}
  {{- if .Values.mckMongodb.enabled }}
  - apiVersion: mongodbcommunity.mongodb.com/v1
    kind: MongoDBCommunity
    metadata: {name: {{ $name }}-mongodb, namespace: {{ .Release.Namespace }}}
    spec: {type: ReplicaSet, members: 3}
  {{- end }}
