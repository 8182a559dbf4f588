others:
  - apiVersion: deviceplugin.intel.com/v1
    kind: GpuDevicePlugin
    metadata: {name: {{ .Values.name }}}
    spec:
      image: "{{ .Values.image.hub }}/intel-gpu-plugin:{{ .Values.image.tag | default .Chart.AppVersion }}"
      sharedDevNum: {{ .Values.sharedDevNum }}
      nodeSelector: {{ toJson .Values.nodeSelector }}
  {{- if .Values.nodeFeatureRule }}
  - apiVersion: nfd.k8s-sigs.io/v1alpha1
    kind: NodeFeatureRule
    metadata: {name: intel-dp-gpu-device}
    spec: {rules: []}
  {{- end }}
