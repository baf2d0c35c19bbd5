"""The page about kubectl, and the kubeconfig files that it offers."""

from collections import defaultdict

import yaml
from flask import Blueprint, Response
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from allocations.accounts.projects import Membership
from allocations.kernel.errors import NotFound
from k8s.clusters import Cluster
from k8s.namespaces import Phase, ProjectNamespace
from portal.auth.people import actor
from portal.database import session
from portal.permissions import needs
from portal.provider import clients, here
from portal.provider.kubernetes import WITHOUT_BROWSER, Api, kubeconfig
from portal.web import page

blueprint = Blueprint("kubectl", __name__)


def _spaces() -> dict[str, list[ProjectNamespace]]:
    """The namespaces of the person's projects, by the name of the cluster; only where people can get to."""
    mine = select(Membership.project_id).where(Membership.person_id == actor().person_id)
    query = select(ProjectNamespace).join(Cluster, ProjectNamespace.cluster_id == Cluster.id)
    open_ones = (Cluster.api_url != "", ProjectNamespace.phase != Phase.CLOSED)
    wanted = query.where(ProjectNamespace.project_id.in_(mine), *open_ones).limit(500)
    found: dict[str, list[ProjectNamespace]] = defaultdict(list)
    for space in session().scalars(wanted.order_by(Cluster.name, ProjectNamespace.id)):
        found[space.cluster.name].append(space)
    return found


@blueprint.get("/kubeconfig")
@needs("project.see")
def index() -> ResponseReturnValue:
    """How to reach the namespaces of one's projects with kubectl."""
    offered = here.offers(clients.KUBECTL)
    spaces = _spaces() if offered else {}
    return page("provider/kubeconfig.html", spaces=spaces, offered=offered, without_browser=WITHOUT_BROWSER)


@blueprint.get("/kubeconfig/<cluster>")
@needs("project.see")
def download(cluster: str) -> ResponseReturnValue:
    """A file without secrets: logging in is left to a program on the person's machine."""
    spaces = _spaces().get(cluster, [])
    if not spaces or not here.offers(clients.KUBECTL):
        raise NotFound
    chosen = spaces[0].cluster
    made = kubeconfig(
        Api(chosen.name, chosen.api_url, chosen.api_ca), [space.name for space in spaces], here.place()
    )
    answer = Response(yaml.safe_dump(made, sort_keys=False), mimetype="application/yaml")
    answer.headers["Content-Disposition"] = f'attachment; filename="kubeconfig-{chosen.name}.yaml"'
    return answer
