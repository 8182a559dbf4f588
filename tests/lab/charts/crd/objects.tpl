crds:
  {{- range list "NvAdmissionControlSecurityRule" "NvClusterSecurityRule" "NvComplianceProfile" "NvDlpSecurityRule" "NvResponseRuleSecurityRule" "NvVulnerabilityProfile" "NvWafSecurityRule" }}
  - {group: neuvector.com, version: v1, scope: Cluster, kind: {{ . }}, plural: {{ lower . }}s, no_status: true}
  {{- end }}
  {{- range list "NvGroupDefinition" "NvSecurityRule" }}
  - {group: neuvector.com, version: v1, scope: Namespaced, kind: {{ . }}, plural: {{ lower . }}s, no_status: true}
  {{- end }}
  - {group: susecloud.net, version: v1, scope: Cluster, kind: CspAdapterUsageRecord, plural: cspadapterusagerecords, no_status: true}
