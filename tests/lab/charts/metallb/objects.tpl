{{- if and .Values.frrk8s.enabled .Values.speaker.frr.enabled }}
{{- fail "speaker.frr.enabled and frrk8s.enabled / external are mutually exclusive!" }}
{{- end }}
crds:
  {{- range list "BFDProfile" "BGPAdvertisement" "Community" "IPAddressPool" "L2Advertisement" }}
  - {group: metallb.io, version: v1beta1, scope: Namespaced, kind: {{ . }}, plural: {{ lower . | replace "community" "communitie" }}s}
  {{- end }}
  - {group: metallb.io, version: v1beta2, scope: Namespaced, kind: BGPPeer, plural: bgppeers}
workloads:
  - kind: Deployment
    name: metallb-controller
    pull_secrets: {{ toJson .Values.imagePullSecrets }}
    containers:
      - name: controller
        image: "{{ .Values.controller.image.repository }}:{{ .Values.controller.image.tag | default .Chart.AppVersion }}"
        args: ["--lb-class={{ .Values.loadBalancerClass }}"]
  - kind: DaemonSet
    name: metallb-speaker
    pull_secrets: {{ toJson .Values.imagePullSecrets }}
    containers:
      - {name: speaker, image: "{{ .Values.speaker.image.repository }}:{{ .Values.speaker.image.tag | default .Chart.AppVersion }}"}
  {{- if .Values.frrk8s.enabled }}
  {{- $frr := index .Values "frr-k8s" "frrk8s" }}
  - kind: DaemonSet
    name: metallb-frr-k8s
    containers:
      - {name: controller, image: "{{ $frr.image.repository }}:v0.0.25"}
      - {name: frr, image: "{{ $frr.frr.image.repository }}:10.4.3"}
  {{- end }}
