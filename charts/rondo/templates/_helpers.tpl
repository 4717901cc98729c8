{{- define "rondo.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 52 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 52 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "rondo.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "rondo.labels" -}}
{{ include "rondo.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- /* The files of the folder, with the properties among them. */ -}}
{{- define "rondo.files" -}}
{{- $files := deepCopy .Values.workflows.files }}
{{- if and .Values.properties (not (hasKey $files "application.properties")) }}
{{- $lines := list }}
{{- range $name, $value := .Values.properties }}
{{- /* A number is a float here, and would be written as 5.36870912e+08. */ -}}
{{- $text := kindIs "string" $value | ternary $value (toJson $value) }}
{{- $lines = append $lines (printf "%s=%s" $name $text) }}
{{- end }}
{{- $_ := set $files "application.properties" (printf "%s\n" (join "\n" $lines)) }}
{{- end }}
{{- toYaml $files }}
{{- end }}

{{- define "rondo.validate" -}}
{{- $given := list }}
{{- if or .Values.workflows.files .Values.properties }}{{ $given = append $given "workflows.files" }}{{ end }}
{{- if .Values.workflows.existingConfigMap }}{{ $given = append $given "workflows.existingConfigMap" }}{{ end }}
{{- if .Values.workflows.existingClaim }}{{ $given = append $given "workflows.existingClaim" }}{{ end }}
{{- if ne (len $given) 1 }}
{{- fail (printf "the workflows come from one of workflows.files, workflows.existingConfigMap and workflows.existingClaim; given: %s" (join ", " $given | default "none")) }}
{{- end }}
{{- end }}
