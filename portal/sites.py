"""`flask site`: tell the portal about providers, resources and the clusters that serve them."""

import json
from typing import TextIO

import click
from flask.cli import AppGroup, with_appcontext
from sqlalchemy import select
from sqlalchemy.orm import Session

from allocations.accounts import resources
from allocations.accounts.resources import Kind, Provider, Resource
from k8s.clusters import Cluster, Product
from portal import database

group = AppGroup("site", help="Providers, resources and clusters.")


@group.command("resource")
@click.argument("slug")
@click.option("--name", required=True, help="As people read it, such as “NVIDIA H100 80 GB”.")
@click.option("--kind", type=click.Choice([str(kind) for kind in Kind]), required=True)
@click.option("--quantity", type=click.IntRange(min=1), required=True, help="GPUs, or GiB of storage.")
@click.option("--memory", type=click.IntRange(min=0), default=0, help="GB of memory of a GPU.")
@click.option("--provider", required=True, help="The organisation that lends it.")
@with_appcontext
def add_resource(slug: str, name: str, kind: str, quantity: int, memory: int, provider: str) -> None:
    """Add something that calls can award."""
    with database.sessions()() as session, session.begin():
        lender = session.scalar(select(Provider).where(Provider.name == provider))
        lender = lender or Provider(name=provider)
        session.add(
            Resource(
                slug=slug,
                name=name,
                kind=Kind(kind),
                provider=lender,
                quantity=quantity,
                gpu_memory_gb=memory,
            )
        )
    click.echo(f"{slug} is added.")


@group.command("cluster")
@click.argument("name")
@click.option("--kubeconfig", required=True, type=click.Path(exists=True), help="On the worker's machine.")
@click.option("--notebook-url", required=True, help="Such as https://{pod}.notebooks.example.org")
@click.option("--dataset-volume", required=True, help="Volume source as JSON, with {location}.")
@click.option("--storage-class", default="", help="For homes and project storage; must write many.")
@with_appcontext
def add_cluster(
    name: str, kubeconfig: str, notebook_url: str, dataset_volume: str, storage_class: str
) -> None:
    """Add a cluster. The worker prepares it at its next look."""
    with database.sessions()() as session, session.begin():
        session.add(
            Cluster(
                name=name,
                kubeconfig=kubeconfig,
                notebook_url=notebook_url,
                dataset_volume=_volume(dataset_volume),
                storage_class=storage_class,
            )
        )
    click.echo(f"Cluster {name} is added.")


@group.command("api")
@click.argument("cluster")
@click.option("--url", required=True, help="Where people reach the API server, such as https://…:6443")
@click.option("--ca", type=click.File(), default=None, help="PEM file, when its certificate is not public.")
@with_appcontext
def set_api(cluster: str, url: str, ca: TextIO | None) -> None:
    """Let people reach a cluster with kubectl, and say where."""
    if not url.startswith("https://"):
        raise click.BadParameter("must begin with https://", param_hint="--url")
    with database.sessions()() as session, session.begin():
        found = _cluster(session, cluster)
        found.api_url, found.api_ca = url, ca.read() if ca else ""
    click.echo(f"People reach {cluster} at {url}.")


@group.command("product")
@click.argument("cluster")
@click.argument("resource")
@click.option("--label", required=True, help="Value of the node label nvidia.com/gpu.product.")
@click.option("--most", type=click.IntRange(1, 64), default=8, help="GPUs that a project may hold at once.")
@with_appcontext
def add_product(cluster: str, resource: str, label: str, most: int) -> None:
    """Say under which node label a cluster offers a GPU resource."""
    with database.sessions()() as session, session.begin():
        found = _cluster(session, cluster)
        offered = resources.get(session, resource)
        session.add(
            Product(cluster_id=found.id, resource=offered, slug=resource, label=label, most_at_once=most)
        )
        found.prepared_at = None
    click.echo(f"{resource} is served by {cluster}.")


def _cluster(session: Session, name: str) -> Cluster:
    found = session.scalar(select(Cluster).where(Cluster.name == name))
    if found is None:
        raise click.BadParameter(f"there is no cluster {name}")
    return found


def _volume(text: str) -> dict[str, object]:
    try:
        volume = json.loads(text)
    except ValueError as error:
        raise click.BadParameter(f"not JSON: {error}", param_hint="--dataset-volume") from None
    if not isinstance(volume, dict):
        raise click.BadParameter("must be an object", param_hint="--dataset-volume")
    return volume
