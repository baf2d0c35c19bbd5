"""An active project on a cluster, ready for a worker: what crash and journey tests start from."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session, sessionmaker

from allocations.accounts.projects import Project
from allocations.kernel.db import create_engine
from allocations.people.roles import actor_of
from k8s import notebooks
from k8s.clusters import Cluster
from k8s.namespaces import ProjectNamespace
from k8s.notebooks import Notebook, Order
from portal import migrations
from portal.demo import cast, story
from portal.settings import Settings
from portal.worker import Worker


@dataclass(frozen=True, slots=True)
class Played:
    """The demo programme in a database of its own, with its cluster at `kubeconfig`."""

    settings: Settings
    engine: Engine
    worker: Worker

    def session(self) -> Session:
        return self.worker.sessions()

    def start_notebook(self) -> str:
        """Uma starts one with the open dataset; its reference."""
        with self.session() as session, session.begin():
            uma = actor_of(session, session.scalars(_person("uma")).one())
            project = session.scalars(select(Project).order_by(Project.id)).first()
            assert project is not None
            usable = notebooks.usable(session, project)[0].ref
            order = Order(usable, "scipy", gpus=1, hours=1, datasets=("weather-stations",))
            return notebooks.start(session, uma, project, order).ref

    def stop_notebook(self) -> None:
        with self.session() as session, session.begin():
            uma = actor_of(session, session.scalars(_person("uma")).one())
            for notebook in session.scalars(select(Notebook).where(Notebook.wanted)):
                notebooks.stop(session, uma, notebook)

    def hurry(self) -> None:
        """Everything is due now."""
        with self.session() as session, session.begin():
            for model in (Cluster, ProjectNamespace, Notebook):
                for row in session.scalars(select(model)):
                    row.due_at -= timedelta(days=4000)


def _person(key: str):  # type: ignore[no-untyped-def]
    return select(cast.Person).join(cast.Identity).where(cast.Identity.subject == key)


_files: list[bytes] = []


def _told(settings: Settings) -> bytes:
    """The story as a file: told once a run, because that takes longer than most tests."""
    if not _files:
        engine = create_engine(settings.database_url)
        migrations.METADATA.create_all(engine)
        story.load(Worker(sessionmaker(engine, expire_on_commit=False), settings), settings)
        engine.dispose()
        _files.append(Path(str(engine.url.database)).read_bytes())
    return _files[0]


def played(folder: Path, kubeconfig: Path) -> Played:
    database = folder / "portal.db"
    settings = Settings(
        mode="test",
        database_url=f"sqlite:///{database}",
        secret_key="not-a-secret-" * 4,
        data_dir=str(folder),
    )
    database.write_bytes(_told(settings))
    engine = create_engine(settings.database_url)
    worker = Worker(sessionmaker(engine, expire_on_commit=False), settings)
    with worker.sessions() as session, session.begin():
        for cluster in session.scalars(select(Cluster)):
            cluster.kubeconfig = str(kubeconfig)
    return Played(settings=settings, engine=engine, worker=worker)
