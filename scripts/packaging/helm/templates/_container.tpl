{{/* What all containers have in common: root, as the host's files are root's, and nothing more than that. */}}
{{- define "container" -}}
image: {{ printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
resources: {{ toJson .Values.resources }}
{{- end }}

{{/* The host's directories of CDI specs, at the same paths, to be written. */}}
{{- define "specs" -}}
{{- range $index, $path := .Values.specDirs -}}
{{- if $index }}
{{ end -}}
- name: specs-{{ $index }}
  mountPath: {{ $path }}
{{- end }}
{{- end }}
