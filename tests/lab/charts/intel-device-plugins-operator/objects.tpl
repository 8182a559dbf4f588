workloads:
  - kind: Deployment
    name: inteldeviceplugins-controller-manager
    replicas: 1
    containers: [{name: manager, image: "{{ .Values.manager.image.hub }}/intel-deviceplugin-operator:{{ .Values.manager.image.tag | default .Chart.AppVersion }}"}]
others:
  - apiVersion: cert-manager.io/v1
    kind: Issuer
    metadata: {name: inteldeviceplugins-selfsigned-issuer, namespace: {{ .Release.Namespace }}}
    spec: {selfSigned: {}}
