{{- define "hypertally.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* What every object is called after: the release, which is usually called as the chart. */}}
{{- define "hypertally.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains (include "hypertally.name" .) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "hypertally.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "hypertally.agent" -}}{{ include "hypertally.fullname" . }}-agent{{- end -}}
{{- define "hypertally.controller" -}}{{ include "hypertally.fullname" . }}-controller{{- end -}}

{{- define "hypertally.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/name: {{ include "hypertally.name" . }}
app.kubernetes.io/part-of: hypertally
{{- end -}}

{{/* Of one program's Pods. Call with (list . "agent"). */}}
{{- define "hypertally.selectorLabels" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ include "hypertally.name" $root }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- define "hypertally.agent.serviceAccount" -}}
{{- .Values.agent.serviceAccount.name | default (include "hypertally.agent" .) -}}
{{- end -}}

{{- define "hypertally.controller.serviceAccount" -}}
{{- .Values.controller.serviceAccount.name | default (include "hypertally.controller" .) -}}
{{- end -}}

{{- define "hypertally.retire" -}}{{ include "hypertally.fullname" . }}-retire{{- end -}}
{{- define "hypertally.verify" -}}{{ include "hypertally.fullname" . }}-verify{{- end -}}

{{/* Folders of guests' disks as a list in JSON, each once however it is written: it is mounted at its own place. */}}
{{- define "hypertally.imageFolders" -}}
{{- $folders := list (index .Values.agent.config "instances-path" | default "/var/lib/libvirt/images" | clean) -}}
{{- range .Values.agent.imageFolders -}}
{{- $folders = append $folders (clean .) -}}
{{- end -}}
{{- $folders | uniq | toJson -}}
{{- end -}}

{{/* The folder of Ceph's configuration and keyrings on the host. */}}
{{- define "hypertally.cephFolder" -}}
{{- index .Values.agent.config "ceph-conf" | default "/etc/ceph/ceph.conf" | dir -}}
{{- end -}}

{{/* Not empty if the agent is root; without a user here it is the image's, nobody. */}}
{{- define "hypertally.agent.isRoot" -}}
{{- $user := (.Values.agent.podSecurityContext).runAsUser -}}
{{- if and (not (kindIs "invalid" $user)) (eq (int64 $user) 0) -}}true{{- end -}}
{{- end -}}

{{/* Of the agent's Pod: its own groups, and the one that may use libvirt's socket. */}}
{{- define "hypertally.agent.podSecurityContext" -}}
{{- $context := .Values.agent.podSecurityContext | default dict -}}
{{- with .Values.agent.libvirt.groupId -}}
{{- $groups := append ($context.supplementalGroups | default list) (int64 .) | uniq -}}
{{- $context = merge (dict "supplementalGroups" $groups) $context -}}
{{- end -}}
{{- toYaml $context -}}
{{- end -}}

{{/* The Lease that the controllers stand for; the policies close it to everybody else. */}}
{{- define "hypertally.leaderLease" -}}
{{- index .Values.controller.config "leader-lease-name" | default "hypertally-controller" -}}
{{- end -}}

{{/* The nodes of the DaemonSet as KEY=VALUE,KEY=VALUE. */}}
{{- define "hypertally.agentNodes" -}}
{{- $labels := list -}}
{{- range $key, $value := .Values.agent.nodeSelector -}}
{{- $labels = append $labels (printf "%s=%s" $key $value) -}}
{{- end -}}
{{- join "," $labels -}}
{{- end -}}

{{/* Call with (list . .Values.agent.image). A digest goes before a tag. */}}
{{- define "hypertally.image" -}}
{{- $root := index . 0 -}}
{{- $image := index . 1 -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $image.repository $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $image.repository ($image.tag | default $root.Values.image.tag | default $root.Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{/* A program's file of settings. Helm reads every number as a float: 1000000 would be written as 1e+06. */}}
{{- define "hypertally.config" -}}
{{- range $key, $value := . }}
{{- if kindIs "slice" $value }}
{{ $key }}:
{{- toYaml $value | nindent 2 }}
{{- else if and (kindIs "float64" $value) (eq (float64 (int64 $value)) $value) }}
{{ $key }}: {{ int64 $value }}
{{- else }}
{{ $key }}: {{ toYaml $value }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "hypertally.probes" -}}
startupProbe:
  httpGet:
    path: /healthz
    port: http
  periodSeconds: 2
  timeoutSeconds: 5
  failureThreshold: {{ .startupFailures }}
livenessProbe:
  httpGet:
    path: /healthz
    port: http
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet:
    path: /readyz
    port: http
  periodSeconds: 5
  timeoutSeconds: 5
  failureThreshold: 2
{{- end -}}

{{/* How a monitor scrapes. The label job is the program's name, whatever the objects are called: the rules and dashboards
use it. Call with (list monitor component). */}}
{{- define "hypertally.scrape" -}}
{{- $monitor := index . 0 -}}
{{- $component := index . 1 -}}
interval: {{ $monitor.interval }}
scrapeTimeout: {{ $monitor.scrapeTimeout }}
relabelings:
  - targetLabel: job
    replacement: hypertally-{{ $component }}
  - sourceLabels: [__meta_kubernetes_pod_node_name]
    targetLabel: node
{{- end -}}

{{/* The Pod of one command of the controller's program, which ends. Call with (list . serviceAccount arguments). */}}
{{- define "hypertally.command" -}}
{{- $root := index . 0 -}}
{{- $controller := $root.Values.controller -}}
serviceAccountName: {{ index . 1 }}
automountServiceAccountToken: true
enableServiceLinks: false
restartPolicy: Never
{{- with $root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $controller.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $controller.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $controller.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- /* Machines that controllers may run on; what keeps controllers apart is not for it. */}}
{{- with ($controller.affinity).nodeAffinity }}
affinity:
  nodeAffinity:
    {{- toYaml . | nindent 4 }}
{{- end }}
securityContext:
  {{- toYaml $controller.podSecurityContext | nindent 2 }}
containers:
  - name: {{ first (index . 2) }}
    image: {{ include "hypertally.image" (list $root $controller.image) | quote }}
    imagePullPolicy: {{ $root.Values.image.pullPolicy }}
    command: [hypertally-controller]
    args: {{ index . 2 | toJson }}
    env:
      - name: HYPERTALLY_CONFIG
        value: /etc/hypertally/controller.yaml
      - name: HYPERTALLY_LEASE_NAMESPACE
        value: {{ $root.Release.Namespace | quote }}
      {{- with $controller.extraEnv }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
    terminationMessagePolicy: FallbackToLogsOnError
    securityContext:
      {{- toYaml $controller.securityContext | nindent 6 }}
    resources:
      {{- toYaml $controller.resources | nindent 6 }}
    volumeMounts:
      - name: config
        mountPath: /etc/hypertally
        readOnly: true
volumes:
  - name: config
    configMap:
      name: {{ include "hypertally.controller" $root }}
{{- end -}}
