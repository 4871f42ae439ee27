{{/* Keys that the chart itself sets must not come twice: which of the two held would be chance, and a selector might
find nothing. Call with (list KEY MAPPING OWN). */}}
{{- define "hypertally.check.keys" -}}
{{- $path := index . 0 -}}
{{- $own := index . 2 -}}
{{- range $key, $_ := index . 1 -}}
{{- if has $key $own -}}
{{- fail (printf "%s: %q is set by the chart itself; allowed are keys other than %s" $path $key (join ", " $own)) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* A folder of the host that is mounted at its own place hides what the image and the chart have there.
Call with (list KEY FOLDER TAKEN). */}}
{{- define "hypertally.check.folder" -}}
{{- $key := index . 0 -}}
{{- $folder := index . 1 -}}
{{- if not (isAbs $folder) -}}
{{- fail (printf "%s: %q is no absolute path" $key $folder) -}}
{{- end -}}
{{- $under := printf "%s/" (trimSuffix "/" $folder) -}}
{{- range index . 2 -}}
{{- if or (hasPrefix $under (printf "%s/" .)) (hasPrefix (printf "%s/" .) $under) -}}
{{- fail (printf "%s: the folder %s is mounted at its own place, where the agent's Pod has %s; allowed are folders that are neither above nor in it" $key $folder .) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Call with (list "agent" VALUES OWN): a variable goes before the program's file, which the chart reads, too. */}}
{{- define "hypertally.check.variables" -}}
{{- $program := index . 0 -}}
{{- $own := index . 2 -}}
{{- range (index . 1).extraEnv -}}
{{- $name := .name | default "" | toString -}}
{{- if or (hasPrefix "HYPERTALLY_" $name) (has $name $own) -}}
{{- fail (printf "%s.extraEnv: %s is not for this place; allowed are names other than %s. Settings of the program go to %s.config, its port to %s.port" $program $name (append $own "HYPERTALLY_*" | join ", ") $program $program) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Call with (list . "agent"). */}}
{{- define "hypertally.check.serviceAccount" -}}
{{- $root := index . 0 -}}
{{- $program := index . 1 -}}
{{- $account := (index $root.Values $program).serviceAccount -}}
{{- if not (or $account.create $account.name) -}}
{{- fail (printf "%s.serviceAccount.name is missing: with %s.serviceAccount.create: false it names an account that is there already" $program $program) -}}
{{- end -}}
{{- $name := include (printf "hypertally.%s.serviceAccount" $program) $root -}}
{{- if and $root.Values.retire.enabled (eq $name (include "hypertally.retire" $root)) -}}
{{- fail (printf "%s.serviceAccount.name: %q is the account that ends the agents before an uninstall; allowed is any other" $program $name) -}}
{{- end -}}
{{- end -}}
