"""What a project namespace holds: limits before uses, labels on everything."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8s import bundle, clusterwide, names
from k8s.bundle import Gpus, Mount, NamespaceSpec
from k8s.cluster import KINDS, Manifest
from k8s.clusters import Product, Site

GUARDS = {"ResourceQuota", "LimitRange", "NetworkPolicy"}
LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
DNS = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
SITE = Site(
    name="alpha",
    kubeconfig="",
    notebook_url="",
    dataset_volume={
        "csi": {"driver": "nfs", "volumeAttributes": {"share": "/data/{location}"}},
        "mountOptions": ["ro", "subdir={slug}"],
    },
    storage_class="fast",
    simulated=False,
)
H100 = Gpus(priority_class="gpu-h100", label="H100", extended_resource="nvidia.com/gpu", most=8)
A100 = Gpus(priority_class="gpu-a100", label="A100", extended_resource="nvidia.com/gpu", most=4)
SPEC = NamespaceSpec(
    name="commons-prj26-0001",
    project_ref="PRJ26-0001",
    compute=True,
    gpus=(H100, A100),
    members=(1, 2),
    datasets=(Mount(slug="climate", location="climate/1.0"),),
    storage_gib=100,
)


def off(spec: NamespaceSpec) -> NamespaceSpec:
    return NamespaceSpec(**{name: getattr(spec, name) for name in spec.__slots__} | {"compute": False})


def found(manifests: list[Manifest], kind: str) -> dict[str, Manifest]:
    return {m["metadata"]["name"]: m for m in manifests if m["kind"] == kind}


def quotas(spec: NamespaceSpec) -> dict[str, dict[str, str]]:
    every = found(bundle.for_namespace(spec, SITE), "ResourceQuota")
    return {name: manifest["spec"]["hard"] for name, manifest in every.items()}


slugs = st.from_regex(r"[a-z][a-z0-9-]{0,30}[a-z0-9]", fullmatch=True)
specs = st.builds(
    NamespaceSpec,
    name=st.just("commons-prj26-0001"),
    project_ref=st.just("PRJ26-0001"),
    compute=st.booleans(),
    gpus=st.lists(
        st.builds(
            Gpus,
            priority_class=slugs.map("gpu-{}".format),
            label=slugs,
            extended_resource=st.sampled_from(["nvidia.com/gpu", "nvidia.com/mig-1g.5gb"]),
            most=st.integers(0, 64),
        ),
        max_size=3,
        unique_by=lambda gpus: gpus.priority_class,
    ).map(tuple),
    members=st.lists(st.integers(1, 10**6), max_size=5, unique=True).map(tuple),
    datasets=st.lists(
        st.builds(Mount, slug=slugs, location=slugs), max_size=3, unique_by=lambda mount: mount.slug
    ).map(tuple),
    storage_gib=st.integers(1, 10_000),
)


@given(spec=specs)
def test_every_limit_stands_before_anything_that_can_be_used(spec: NamespaceSpec) -> None:
    kinds = [manifest["kind"] for manifest in bundle.for_namespace(spec, SITE)]

    last_guard = max(place for place, kind in enumerate(kinds) if kind in GUARDS)
    assert kinds[0] == "Namespace"
    assert set(kinds[1 : last_guard + 1]) == GUARDS
    assert not GUARDS & set(kinds[last_guard + 1 :])


@given(spec=specs)
def test_every_object_is_known_named_once_placed_and_labelled(spec: NamespaceSpec) -> None:
    manifests = bundle.for_namespace(spec, SITE)

    keys = [(m["kind"], m["metadata"]["name"]) for m in manifests]
    assert len(set(keys)) == len(keys)
    for manifest in manifests:
        kind, metadata = KINDS[manifest["kind"]], manifest["metadata"]
        assert (metadata.get("namespace") == spec.name) == kind.namespaced
        assert metadata["labels"].items() >= names.labels(spec.project_ref).items()
        assert all(LABEL.fullmatch(value) for value in metadata["labels"].values())
        assert DNS.fullmatch(metadata["name"])
    assert json.loads(json.dumps(manifests)) == manifests


@given(spec=specs)
def test_without_compute_nothing_can_run_and_the_data_stay(spec: NamespaceSpec) -> None:
    hard = quotas(off(spec))
    storage = [m for m in bundle.for_namespace(spec, SITE) if "Volume" in m["kind"]]

    assert hard["objects"]["pods"] == "0"
    assert hard["compute"]["limits.cpu"] == "0"
    gpus = [amount for part in hard.values() for key, amount in part.items() if "nvidia" in key]
    assert all(amount == "0" for amount in gpus)
    assert [m for m in bundle.for_namespace(off(spec), SITE) if "Volume" in m["kind"]] == storage


def test_each_product_has_a_quota_of_its_own_and_all_share_one() -> None:
    hard = quotas(SPEC)

    assert hard["gpu-h100"] == {"requests.nvidia.com/gpu": "8"}
    assert hard["gpu-a100"] == {"requests.nvidia.com/gpu": "4"}
    assert hard["compute"]["requests.nvidia.com/gpu"] == "12"
    scope = found(bundle.for_namespace(SPEC, SITE), "ResourceQuota")["gpu-h100"]["spec"]["scopeSelector"]
    assert scope["matchExpressions"] == [
        {"scopeName": "PriorityClass", "operator": "In", "values": ["gpu-h100"]}
    ]


def test_pods_are_held_to_the_restricted_standard() -> None:
    (namespace,) = found(bundle.for_namespace(SPEC, SITE), "Namespace").values()

    for mode in ("enforce", "audit", "warn"):
        assert namespace["metadata"]["labels"][f"pod-security.kubernetes.io/{mode}"] == "restricted"


def test_nobody_reaches_in_and_private_networks_are_out_of_reach() -> None:
    policies = found(bundle.for_namespace(SPEC, SITE), "NetworkPolicy")

    deny = policies["default-deny"]["spec"]
    assert (deny["podSelector"], set(deny["policyTypes"])) == ({}, {"Ingress", "Egress"})
    assert not deny.get("ingress")
    assert not deny.get("egress")
    block = policies["dns-and-internet"]["spec"]["egress"][1]["to"][0]["ipBlock"]
    assert {"10.0.0.0/8", "169.254.0.0/16"} <= set(block["except"])


@pytest.mark.parametrize(("spec", "role"), [(SPEC, "commons-member"), (off(SPEC), "commons-viewer")])
def test_members_work_while_compute_is_on_and_look_afterwards(spec: NamespaceSpec, role: str) -> None:
    (binding,) = found(bundle.for_namespace(spec, SITE), "RoleBinding").values()

    assert binding["roleRef"]["name"] == role
    assert [subject["name"] for subject in binding["subjects"]] == ["commons:person-1", "commons:person-2"]


def test_a_dataset_is_read_only_bound_to_its_claim_and_kept() -> None:
    manifests = bundle.for_namespace(SPEC, SITE)
    volume = found(manifests, "PersistentVolume")["commons-prj26-0001-climate"]["spec"]
    wanted = found(manifests, "PersistentVolumeClaim")["dataset-climate"]["spec"]

    assert volume["accessModes"] == wanted["accessModes"] == ["ReadOnlyMany"]
    assert volume["persistentVolumeReclaimPolicy"] == "Retain"
    assert volume["claimRef"]["name"] == "dataset-climate"
    assert wanted["volumeName"] == "commons-prj26-0001-climate"


def test_a_sites_volume_template_is_filled_at_any_depth() -> None:
    volume = found(bundle.for_namespace(SPEC, SITE), "PersistentVolume")["commons-prj26-0001-climate"]["spec"]

    assert volume["csi"]["volumeAttributes"] == {"share": "/data/climate/1.0"}
    assert volume["mountOptions"] == ["ro", "subdir=climate"]


def product(slug: str, extended: str = "nvidia.com/gpu") -> Product:
    return Product(
        cluster_id=1, resource=None, slug=slug, label=slug.upper(), most_at_once=4, extended_resource=extended
    )


def expression(*products: Product) -> str:
    (policy,) = found(clusterwide.for_cluster(products), "ValidatingAdmissionPolicy").values()
    return policy["spec"]["validations"][0]["expression"]


def test_the_cluster_gets_roles_a_class_a_product_and_the_policy_once() -> None:
    kinds = [m["kind"] for m in clusterwide.for_cluster([product("h100"), product("a100")])]

    assert kinds == ["ClusterRole"] * 2 + ["PriorityClass"] * 2 + [
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
    ]


def test_no_role_reaches_quotas_policies_or_roles() -> None:
    roles = found(clusterwide.for_cluster([]), "ClusterRole")
    writing = {"create", "update", "patch", "delete"}

    for role in roles.values():
        for rule in role["rules"]:
            assert "*" not in rule["verbs"] + rule["resources"] + rule["apiGroups"]
            if writing & set(rule["verbs"]):
                assert not {"resourcequotas", "networkpolicies", "rolebindings"} & set(rule["resources"])
    seen = [resource for rule in roles["commons-viewer"]["rules"] for resource in rule["resources"]]
    assert "secrets" not in seen


def test_gpus_of_init_containers_and_of_every_product_fall_under_the_policy() -> None:
    text = expression(product("h100"), product("a100-slice", "nvidia.com/mig-1g.5gb"))

    assert "object.spec.initContainers" in text
    assert "'nvidia.com/gpu' in" in text
    assert "'nvidia.com/mig-1g.5gb' in" in text
