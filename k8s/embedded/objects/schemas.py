"""The fields of the built-in kinds, one line a type, in the notation of `shapes`."""

from k8s.embedded.objects.shapes import Dictionary, Shape

META = """name:s generateName:s namespace:s selfLink:s uid:s resourceVersion:s generation:i
creationTimestamp:t deletionTimestamp:t deletionGracePeriodSeconds:i labels:m annotations:m
ownerReferences:Owner[uid] finalizers:s{} managedFields:any[]"""

_CONTAINER = """name*:s image:s command:s[] args:s[] workingDir:s
ports:ContainerPort[containerPort,protocol] envFrom:EnvFrom[] env:EnvVar[name] resources:Resources
resizePolicy:any[] restartPolicy:s restartPolicyRules:any[] volumeMounts:VolumeMount[mountPath]
volumeDevices:VolumeDevice[devicePath] livenessProbe:Probe readinessProbe:Probe startupProbe:Probe
lifecycle:Lifecycle terminationMessagePath:s terminationMessagePolicy:s imagePullPolicy:s
securityContext:SecurityContext stdin:o stdinOnce:o tty:o"""

_POD_SPEC = """volumes:Volume[name] initContainers:Container[name] containers*:Container[name]
ephemeralContainers:Ephemeral[name] restartPolicy:s terminationGracePeriodSeconds:i activeDeadlineSeconds:i
dnsPolicy:s nodeSelector:ma serviceAccountName:s serviceAccount:s automountServiceAccountToken:b nodeName:s
hostNetwork:o hostPID:o hostIPC:o shareProcessNamespace:b securityContext:PodSecurity
imagePullSecrets:Local[name] hostname:s subdomain:s affinity:Affinity schedulerName:s
tolerations:Toleration[] hostAliases:HostAlias[ip] priorityClassName:s priority:i dnsConfig:PodDNS
readinessGates:any[] runtimeClassName:s enableServiceLinks:b preemptionPolicy:s overhead:mq
topologySpreadConstraints:Spread[topologyKey,whenUnsatisfiable] setHostnameAsFQDN:b os:any hostUsers:b
schedulingGates:Gate[name] resourceClaims:PodClaim[name] resources:Resources hostnameOverride:s"""

_PODS = {
    "Container": _CONTAINER,
    "Ephemeral": _CONTAINER + " targetContainerName:s",
    "ContainerPort": "name:s hostPort:i containerPort*:i protocol:s hostIP:s",
    "EnvFrom": "prefix:s configMapRef:OptionalRef secretRef:OptionalRef",
    "OptionalRef": "name:s optional:b",
    "EnvVar": "name*:s value:s valueFrom:EnvSource",
    "EnvSource": "fieldRef:FieldRef! resourceFieldRef:ResourceRef! configMapKeyRef:KeyRef! "
    "secretKeyRef:KeyRef! fileKeyRef:any",
    "FieldRef": "apiVersion:s fieldPath*:s",
    "ResourceRef": "containerName:s resource*:s divisor:q",
    "KeyRef": "name:s key*:s optional:b",
    "Resources": "limits:mq requests:mq claims:any[]",
    "VolumeMount": "name*:s readOnly:o recursiveReadOnly:s mountPath*:s subPath:s mountPropagation:s "
    "subPathExpr:s",
    "VolumeDevice": "name*:s devicePath*:s",
    "Probe": "exec:Exec httpGet:HttpGet tcpSocket:TcpSocket grpc:any initialDelaySeconds:i timeoutSeconds:i "
    "periodSeconds:i successThreshold:i failureThreshold:i terminationGracePeriodSeconds:i",
    "Exec": "command:s[]",
    "HttpGet": "path:s port*:x host:s scheme:s httpHeaders:any[]",
    "TcpSocket": "port*:x host:s",
    "Lifecycle": "postStart:any preStop:any stopSignal:s",
    "SecurityContext": "capabilities:Capabilities privileged:b seLinuxOptions:many windowsOptions:many "
    "runAsUser:i runAsGroup:i runAsNonRoot:b readOnlyRootFilesystem:b allowPrivilegeEscalation:b "
    "procMount:s seccompProfile:Profile appArmorProfile:Profile",
    "Capabilities": "add:s[] drop:s[]",
    "Profile": "type*:s localhostProfile:s",
    "PodSecurity": "seLinuxOptions:many windowsOptions:many runAsUser:i runAsGroup:i runAsNonRoot:b "
    "supplementalGroups:i[] supplementalGroupsPolicy:s fsGroup:i sysctls:any[] fsGroupChangePolicy:s "
    "seccompProfile:Profile appArmorProfile:Profile seLinuxChangePolicy:s",
    "Volume": "name*:s hostPath:HostPath emptyDir:EmptyDir secret:SecretVolume configMap:ConfigVolume "
    "persistentVolumeClaim:ClaimVolume projected:Projected downwardAPI:any nfs:Nfs csi:any ephemeral:any "
    "image:any gcePersistentDisk:any awsElasticBlockStore:any gitRepo:any iscsi:any glusterfs:any rbd:any "
    "flexVolume:any cinder:any cephfs:any flocker:any fc:any azureFile:any azureDisk:any vsphereVolume:any "
    "quobyte:any photonPersistentDisk:any portworxVolume:any scaleIO:any storageos:any",
    "HostPath": "path*:s type:s",
    "EmptyDir": "medium:s sizeLimit:q",
    "SecretVolume": "secretName:s items:any[] defaultMode:i optional:b",
    "ConfigVolume": "name:s items:any[] defaultMode:i optional:b",
    "ClaimVolume": "claimName*:s readOnly:o",
    "Projected": "sources:any[] defaultMode:i",
    "Nfs": "server*:s path*:s readOnly:o",
    "Affinity": "nodeAffinity:any podAffinity:any podAntiAffinity:any",
    "Toleration": "key:s operator:s value:s effect:s tolerationSeconds:i",
    "HostAlias": "ip*:s hostnames:s[]",
    "PodDNS": "nameservers:s[] searches:s[] options:any[]",
    "Spread": "maxSkew*:i topologyKey*:s whenUnsatisfiable*:s labelSelector:Selector! minDomains:i "
    "nodeAffinityPolicy:s nodeTaintsPolicy:s matchLabelKeys:s[]",
    "Gate": "name*:s",
    "PodClaim": "name*:s resourceClaimName:s resourceClaimTemplateName:s",
    "PodSpec": _POD_SPEC,
    "PodStatus": "phase:s conditions:PodCondition[type] message:s reason:s nominatedNodeName:s hostIP:s "
    "hostIPs:any[] podIP:s podIPs:PodIP[ip] startTime:t initContainerStatuses:any[] containerStatuses:any[] "
    "qosClass:s ephemeralContainerStatuses:any[] resize:s resourceClaimStatuses:any[] observedGeneration:i "
    "extendedResourceClaimStatus:any allocatedResources:mq resources:Resources",
    "PodCondition": "type*:s status*:s lastProbeTime:t lastTransitionTime:t reason:s message:s "
    "observedGeneration:i",
    "PodIP": "ip*:s",
    "Template": "metadata:Meta spec:PodSpec",
}

_CORE = {
    "Meta": META,
    "Owner": "apiVersion*:s kind*:s name*:s uid*:s controller:b blockOwnerDeletion:b",
    "Local": "name:s",
    "Reference": "kind:s namespace:s name:s uid:s apiVersion:s resourceVersion:s fieldPath:s",
    "Selector": "matchLabels:m matchExpressions:Requirement[]",
    "Requirement": "key*:s operator*:s values:s[]",
    "Condition": "type*:s status*:s observedGeneration:i lastTransitionTime:t lastUpdateTime:t "
    "lastHeartbeatTime:t lastProbeTime:t reason:s message:s",
    "NamespaceSpec": "finalizers:s[]",
    "NamespaceStatus": "phase:s conditions:Condition[type]",
    "NodeSpec": "podCIDR:s podCIDRs:s{} providerID:s unschedulable:o taints:Taint[] configSource:any",
    "Taint": "key*:s value:s effect*:s timeAdded:t",
    "NodeStatus": "capacity:mq allocatable:mq phase:s conditions:Condition[type] addresses:Address[type] "
    "daemonEndpoints:any nodeInfo:any images:any[] volumesInUse:s[] volumesAttached:any[] config:any "
    "runtimeHandlers:any[] features:any declaredFeatures:any[]",
    "Address": "type*:s address*:s",
    "ServiceSpec": "ports:ServicePort[port,protocol] selector:ma clusterIP:s clusterIPs:s[] type:s "
    "externalIPs:s[] sessionAffinity:s sessionAffinityConfig:any loadBalancerIP:s "
    "loadBalancerSourceRanges:s[] externalName:s externalTrafficPolicy:s healthCheckNodePort:i "
    "publishNotReadyAddresses:o ipFamilies:s[] ipFamilyPolicy:s allocateLoadBalancerNodePorts:b "
    "loadBalancerClass:s internalTrafficPolicy:s trafficDistribution:s",
    "ServicePort": "name:s protocol:s appProtocol:s port*:i targetPort:x nodePort:i",
    "ServiceStatus": "loadBalancer:any conditions:Condition[type]",
    "VolumeSpec": "capacity:mq nfs:Nfs hostPath:HostPath csi:any local:any iscsi:any fc:any rbd:any "
    "cephfs:any cinder:any azureFile:any azureDisk:any gcePersistentDisk:any awsElasticBlockStore:any "
    "vsphereVolume:any accessModes:s[] claimRef:Reference persistentVolumeReclaimPolicy:s storageClassName:s "
    "mountOptions:s[] volumeMode:s nodeAffinity:any volumeAttributesClassName:s",
    "VolumeStatus": "phase:s message:s reason:s lastPhaseTransitionTime:t",
    "ClaimSpec": "accessModes:s[] selector:Selector! resources:ClaimResources volumeName:s "
    "storageClassName:s volumeMode:s dataSource:any dataSourceRef:any volumeAttributesClassName:s",
    "ClaimResources": "limits:mq requests:mq",
    "ClaimStatus": "phase:s accessModes:s[] capacity:mq conditions:Condition[type] allocatedResources:mq "
    "allocatedResourceStatuses:m currentVolumeAttributesClassName:s modifyVolumeStatus:any",
    "QuotaSpec": "hard:mq scopes:s[] scopeSelector:ScopeSelector!",
    "ScopeSelector": "matchExpressions:ScopeRequirement[]",
    "ScopeRequirement": "scopeName*:s operator*:s values:s[]",
    "QuotaStatus": "hard:mq used:mq",
    "RangeSpec": "limits*:RangeItem[]",
    "RangeItem": "type*:s max:mq min:mq default:mq defaultRequest:mq maxLimitRequestRatio:mq",
}

_OTHERS = {
    "DeploymentSpec": "replicas:i selector*:Selector! template*:Template strategy:any minReadySeconds:i "
    "revisionHistoryLimit:i paused:o progressDeadlineSeconds:i",
    "StatefulSpec": "replicas:i selector*:Selector! template*:Template volumeClaimTemplates:any[] "
    "serviceName:s podManagementPolicy:s updateStrategy:any revisionHistoryLimit:i minReadySeconds:i "
    "persistentVolumeClaimRetentionPolicy:any ordinals:any",
    "ReplicaSpec": "replicas:i minReadySeconds:i selector*:Selector! template:Template",
    "DaemonSpec": "selector*:Selector! template*:Template updateStrategy:any minReadySeconds:i "
    "revisionHistoryLimit:i",
    "JobSpec": "parallelism:i completions:i activeDeadlineSeconds:i podFailurePolicy:any successPolicy:any "
    "backoffLimit:i backoffLimitPerIndex:i maxFailedIndexes:i selector:Selector! manualSelector:b "
    "template*:Template ttlSecondsAfterFinished:i completionMode:s suspend:b podReplacementPolicy:s "
    "managedBy:s",
    "CronSpec": "schedule*:s timeZone:s startingDeadlineSeconds:i concurrencyPolicy:s suspend:b "
    "jobTemplate*:JobTemplate successfulJobsHistoryLimit:i failedJobsHistoryLimit:i",
    "JobTemplate": "metadata:Meta spec:JobSpec",
    "PolicySpec": "podSelector:Selector! ingress:IngressRule[] egress:EgressRule[] policyTypes:s[]",
    "IngressRule": "from:Peer[] ports:PolicyPort[]",
    "EgressRule": "to:Peer[] ports:PolicyPort[]",
    "Peer": "podSelector:Selector! namespaceSelector:Selector! ipBlock:Block",
    "Block": "cidr*:s except:s[]",
    "PolicyPort": "protocol:s port:x endPort:i",
    "IngressSpec": "ingressClassName:s defaultBackend:any tls:any[] rules:any[]",
    "Rule": "apiGroups:s[] resources:s[] verbs*:s[] resourceNames:s[] nonResourceURLs:s[]",
    "Subject": "kind*:s apiGroup:s name*:s namespace:s",
    "RoleRef": "apiGroup:s kind*:s name*:s",
    "LeaseSpec": "holderIdentity:s leaseDurationSeconds:i acquireTime:t renewTime:t leaseTransitions:i "
    "strategy:s preferredHolder:s",
    "DefinitionSpec": "group*:s names*:many scope*:s versions*:any[] conversion:any preserveUnknownFields:o",
    "DefinitionStatus": "conditions:Condition[type] acceptedNames:many storedVersions:s[] "
    "observedGeneration:i",
}


def _top(rest: str) -> str:
    return f"apiVersion:s kind:s metadata:Meta {rest}"


_AGGREGATED = _top("rules:Rule[] aggregationRule:any")
_BINDING = _top("subjects:Subject[] roleRef*:RoleRef!")

_KINDS = {
    "Namespace": _top("spec:NamespaceSpec status:NamespaceStatus"),
    "Node": _top("spec:NodeSpec status:NodeStatus"),
    "Pod": _top("spec*:PodSpec status:PodStatus"),
    "Service": _top("spec*:ServiceSpec status:ServiceStatus"),
    "Secret": _top("immutable:b data:mb stringData:mb type:s"),
    "ConfigMap": _top("immutable:b data:m binaryData:mb"),
    "ServiceAccount": _top(
        "secrets:Reference[name] imagePullSecrets:Local[name] automountServiceAccountToken:b"
    ),
    "PersistentVolume": _top("spec*:VolumeSpec status:VolumeStatus"),
    "PersistentVolumeClaim": _top("spec*:ClaimSpec status:ClaimStatus"),
    "ResourceQuota": _top("spec:QuotaSpec status:QuotaStatus"),
    "LimitRange": _top("spec:RangeSpec"),
    "Event": _top(
        "involvedObject:Reference reason:s message:s source:any firstTimestamp:t lastTimestamp:t count:i "
        "type:s eventTime:t series:any action:s related:any reportingComponent:s reportingInstance:s"
    ),
    "Deployment": _top("spec*:DeploymentSpec status:any"),
    "StatefulSet": _top("spec*:StatefulSpec status:any"),
    "ReplicaSet": _top("spec*:ReplicaSpec status:any"),
    "DaemonSet": _top("spec*:DaemonSpec status:any"),
    "Job": _top("spec*:JobSpec status:any"),
    "CronJob": _top("spec*:CronSpec status:any"),
    "NetworkPolicy": _top("spec:PolicySpec"),
    "Ingress": _top("spec:IngressSpec status:any"),
    "Role": _top("rules:Rule[]"),
    "ClusterRole": _AGGREGATED,
    "RoleBinding": _BINDING,
    "ClusterRoleBinding": _BINDING,
    "PriorityClass": _top("value*:i globalDefault:o description:s preemptionPolicy:s"),
    "StorageClass": _top(
        "provisioner*:s parameters:m reclaimPolicy:s mountOptions:s[] allowVolumeExpansion:b "
        "volumeBindingMode:s allowedTopologies:any[]"
    ),
    "Lease": _top("spec:LeaseSpec"),
    "ValidatingAdmissionPolicy": _top("spec*:any status:any"),
    "ValidatingAdmissionPolicyBinding": _top("spec*:any"),
    "CustomResourceDefinition": _top("spec*:DefinitionSpec status:DefinitionStatus"),
}

TYPES = Dictionary({**_PODS, **_CORE, **_OTHERS, **_KINDS})


def shape_of(kind: str) -> Shape:
    return TYPES[kind]
