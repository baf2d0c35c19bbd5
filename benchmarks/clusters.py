"""Provisioning against the embedded cluster: requests a namespace, namespaces a second, time to ready."""

import collections
import statistics
import time
from pathlib import Path
from typing import Any

from k8s import bundle, names
from k8s.bundle import Gpus, Mount, NamespaceSpec
from k8s.cluster import Api, connect
from k8s.clusters import Site
from k8s.embedded.server import EmbeddedCluster
from k8s.namespaces import Wanted
from k8s.reconcile import converge_namespace

NAMESPACES = 100


def run(folder: Path) -> None:
    with EmbeddedCluster(folder, agent=False) as cluster:
        site = Site(
            "bench", str(cluster.kubeconfig), "", {"hostPath": {"path": "/data/{location}"}}, "", True
        )
        api, calls = connect(site.kubeconfig), collections.Counter[str]()
        _count(api, calls)
        first = [_converge(api, site, number) for number in range(NAMESPACES)]
        made = dict(calls)
        calls.clear()
        again = [_converge(api, site, number) for number in range(NAMESPACES)]
        pods = sum(1 for _ in api.list("ResourceQuota", labels=names.SELECTOR))
    print(f"\nNamespaces: {NAMESPACES} with {len(bundle.for_namespace(_spec(0), site))} objects each")
    for word, times, counted in (("made", first, made), ("confirmed", again, dict(calls))):
        rate = NAMESPACES / sum(times)
        p95 = statistics.quantiles(times, n=20)[-1] * 1000
        each = {method: count / NAMESPACES for method, count in sorted(counted.items())}
        print(f"  {word:10} {rate:6.1f}/s   p95 {p95:6.1f} ms   requests each: {each}")
    print(f"  quotas found afterwards: {pods}")


def _converge(api: Api, site: Site, number: int) -> float:
    began = time.perf_counter()
    converge_namespace(api, Wanted.ON, _spec(number), site=site, uid="")
    return time.perf_counter() - began


def _spec(number: int) -> NamespaceSpec:
    return NamespaceSpec(
        name=f"commons-bench-{number:04d}",
        project_ref=f"BENCH-{number:04d}",
        compute=True,
        gpus=(Gpus("gpu-h100", "NVIDIA-H100-80GB-HBM3", "nvidia.com/gpu", 8),),
        members=(1, 2, 3),
        datasets=(Mount("weather", "weather"),),
        storage_gib=100,
    )


def _count(api: Api, calls: "collections.Counter[str]") -> None:
    real = api._call

    def counted(method: str, path: str, **more: Any) -> Any:
        calls[method] += 1
        return real(method, path, **more)

    api._call = counted  # type: ignore[method-assign]
