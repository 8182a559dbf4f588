{{- /* The laboratory has brought the kinds already, with their whole schemas. */ -}}
{{- if not (lookup "apiextensions.k8s.io/v1" "CustomResourceDefinition" "" "clusters.k3k.io") }}
crds:
  - {group: k3k.io, version: v1beta1, scope: Namespaced, kind: Cluster, plural: clusters, keep: true}
  - {group: k3k.io, version: v1beta1, scope: Cluster, kind: VirtualClusterPolicy, plural: virtualclusterpolicies, keep: true}
{{- end }}
{{- $host := .Values.controller.image.registry | default .Values.global.imageRegistry }}
{{- $server := .Values.server.image.registry | default .Values.global.imageRegistry }}
workloads:
  - kind: Deployment
    name: k3k
    # The laboratory's own Deployment carries these too: as one of Helm, which Helm takes over.
    selector: {app.kubernetes.io/name: k3k, app.kubernetes.io/instance: k3k}
    replicas: {{ .Values.controller.replicas }}
    pull_secrets: {{ toJson .Values.global.imagePullSecrets }}
    containers:
      - name: k3k
        image: "{{ with $host }}{{ . }}/{{ end }}{{ .Values.controller.image.repository }}:{{ .Values.controller.image.tag | default .Chart.AppVersion }}"
        args: ["--cluster-cidr={{ .Values.host.clusterCIDR }}", "--k3s-server-image={{ with $server }}{{ . }}/{{ end }}{{ .Values.server.image.repository }}"]
