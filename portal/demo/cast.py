"""The demo people, institutions, machines and datasets."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from allocations.accounts.resources import Kind, Provider, Resource
from allocations.kernel import clock
from allocations.people import roles
from allocations.people.institutions import Institution
from allocations.people.persons import Identity, Person
from allocations.people.roles import SYSTEM, Role
from datasets.catalogue import AccessClass, Dataset
from k8s.clusters import Cluster, Product

ISSUER = "demo"
NORTH, LAKE, COAST, HILL = (
    "University of Northfield",
    "Lakeside Institute of Technology",
    "Coastal University",
    "Hillcrest College",
)
CENTRE = "National Computing Centre"
SCOPES = {
    NORTH: "northfield.example",
    LAKE: "lakeside.example",
    COAST: "coastal.example",
    HILL: "hillcrest.example",
    CENTRE: "ncc.example",
}
STUDENTS = {"uma"}
# Their institution's log-in says nothing about them, as many do.
SILENT = {"lena"}
# key: name, institution
PEOPLE = {
    "priya": ("Priya Raman", NORTH),
    "carlos": ("Carlos Medina", LAKE),
    "uma": ("Uma Haddad", NORTH),
    "owen": ("Owen Brandt", CENTRE),
    "ruth": ("Ruth Adeyemi", COAST),
    "chen": ("Chen Wei", COAST),
    "pat": ("Pat Kowalski", CENTRE),
    "dana": ("Dana Fischer", CENTRE),
    "sam": ("Sam Okafor", HILL),
    "ravi": ("Ravi Menon", HILL),
    "rosa": ("Rosa Lindgren", COAST),
    "petra": ("Petra Novak", LAKE),
    "ibrahim": ("Ibrahim Diallo", HILL),
    "mei": ("Mei Tanaka", LAKE),
    "lena": ("Lena Vogel", HILL),
    "aida": ("Aida Benali", CENTRE),
    "ada": ("Ada Sorensen", CENTRE),
    "inga": ("Inga Larsson", HILL),
}
ROLES = {
    "owen": (Role.PROGRAMME_OFFICER,),
    "ruth": (Role.REVIEWER,),
    "ravi": (Role.REVIEWER,),
    "rosa": (Role.REVIEWER,),
    "petra": (Role.REVIEWER,),
    "chen": (Role.PANEL_CHAIR,),
    "aida": (Role.AUDITOR,),
    "ada": (Role.ADMINISTRATOR,),
}
# slug: name, how many, GB of memory, summary
GPUS = {
    "h100": (
        "NVIDIA H100 80 GB",
        16,
        80,
        "Two nodes of eight, for training and fine-tuning of large models.",
    ),
    "a100": ("NVIDIA A100 80 GB", 8, 80, "One node of eight, for training and inference."),
    "l4": ("NVIDIA L4 24 GB", 4, 24, "Four small cards for teaching, trying things out and inference."),
}
READINGS = [("2026-01-01", 281.4), ("2026-01-02", 280.9), ("2026-01-03", 283.2), ("2026-01-04", 282.7)]


@dataclass(frozen=True, slots=True)
class Stage:
    """The rows that the story plays on, by short name."""

    people: dict[str, Person]
    resources: dict[str, Resource]
    datasets: dict[str, Dataset]


def present(session: Session) -> bool:
    return session.scalar(select(Identity.id).where(Identity.issuer == ISSUER).limit(1)) is not None


def load(session: Session, *, kubeconfig: str, files: Path) -> Stage:
    people = _people(session)
    resources = _resources(session, people["pat"], kubeconfig, files)
    datasets = _datasets(session, people["dana"], files)
    session.flush()
    return Stage(people=people, resources=resources, datasets=datasets)


def _people(session: Session) -> dict[str, Person]:
    houses = {name: Institution(name=name) for _, name in PEOPLE.values()}
    people = {}
    for key, (name, house) in PEOPLE.items():
        person = Person(
            name=name, email=f"{key}@commons.example", institution=houses[house], welcomed_at=clock.now()
        )
        session.add(_identity(key, person))
        people[key] = person
    session.flush()
    for key, held in ROLES.items():
        for role in held:
            roles.grant(session, SYSTEM, people[key], role=role, reason="demo")
    hill = houses[HILL].id
    roles.grant(session, SYSTEM, people["inga"], role=Role.REPRESENTATIVE, scope_id=hill, reason="demo")
    return people


def _identity(key: str, person: Person) -> Identity:
    """What a home institution would say."""
    scope = SCOPES[person.affiliation]
    place = "student" if key in STUDENTS else "faculty"
    return Identity(
        issuer=ISSUER,
        subject=key,
        person=person,
        mail=person.email,
        affiliations=[f"{place}@{scope}"] if key not in SILENT else [],
        affiliated_at=clock.now() if key not in SILENT else None,
        assurance=["https://refeds.org/assurance/IAP/medium"],
    )


def _resources(session: Session, pat: Person, kubeconfig: str, files: Path) -> dict[str, Resource]:
    provider = Provider(name=CENTRE)
    gpus = {
        slug: Resource(
            slug=slug,
            name=name,
            kind=Kind.GPU,
            provider=provider,
            quantity=quantity,
            gpu_memory_gb=memory,
            summary=summary,
        )
        for slug, (name, quantity, memory, summary) in GPUS.items()
    }
    storage = Resource(
        slug="storage",
        name="Project storage",
        kind=Kind.STORAGE,
        provider=provider,
        quantity=500_000,
        summary="Space that all members of a project share, beside everybody's home folder.",
    )
    session.add_all([*gpus.values(), storage])
    session.flush()
    roles.grant(session, SYSTEM, pat, role=Role.PROVIDER_OPERATOR, scope_id=provider.id, reason="demo")
    _cluster(session, tuple(gpus.values()), kubeconfig, files)
    return gpus | {"storage": storage}


def _cluster(session: Session, gpus: tuple[Resource, ...], kubeconfig: str, files: Path) -> None:
    cluster = Cluster(
        name="embedded",
        kubeconfig=kubeconfig,
        simulated=True,
        dataset_volume={"hostPath": {"path": f"{files}/{{location}}"}},
    )
    session.add(cluster)
    session.flush()
    labels = ("NVIDIA-H100-80GB-HBM3", "NVIDIA-A100-SXM4-80GB", "NVIDIA-L4")
    for resource, label in zip(gpus, labels, strict=True):
        most = min(8, resource.quantity)
        session.add(
            Product(
                cluster_id=cluster.id, resource=resource, slug=resource.slug, label=label, most_at_once=most
            )
        )


def _datasets(session: Session, dana: Person, files: Path) -> dict[str, Dataset]:
    weather = Dataset(
        slug="weather-stations",
        title="National weather stations",
        summary="Daily mean temperatures of the national weather stations, in kelvin.",
        access_class=AccessClass.OPEN,
        custodian=dana,
        licence="CC BY 4.0",
        location="weather-stations",
    )
    imaging = Dataset(
        slug="clinical-imaging",
        title="Clinical imaging archive",
        summary="De-identified chest images with radiologists' labels, from twelve hospitals.",
        access_class=AccessClass.CONTROLLED,
        custodian=dana,
        licence="Data use agreement",
        location="clinical-imaging",
        conditions="Health research only. No attempt to identify anybody. Results are published.",
    )
    session.add_all([weather, imaging])
    session.flush()
    _write(files / "weather-stations" / "daily.csv", ["day,kelvin", *(f"{d},{k}" for d, k in READINGS)])
    _write(
        files / "clinical-imaging" / "labels.csv", ["image,finding", "0001,none", "0002,nodule", "0003,none"]
    )
    for dataset in (weather, imaging):
        roles.grant(session, SYSTEM, dana, role=Role.CUSTODIAN, scope_id=dataset.id, reason="demo")
        folder = files / dataset.location
        dataset.size_bytes = sum(file.stat().st_size for file in folder.iterdir())
    return {"weather": weather, "imaging": imaging}


def _write(path: Path, lines: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
