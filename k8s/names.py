"""Names, labels and annotations on a cluster: all derived, so that nothing has to be looked up."""

from allocations.accounts.projects import Project

MANAGER = "research-commons"
MANAGED = {"app.kubernetes.io/managed-by": MANAGER}
SELECTOR = f"app.kubernetes.io/managed-by={MANAGER}"
PROJECT = "commons.research/project"
NOTEBOOK = "commons.research/notebook"
DATASET = "commons.research/dataset"
FINALIZER = "commons.research/usage"
# Set by the node agent of the embedded cluster on the pods it runs.
EMBEDDED_ADDRESS = "embedded.cluster/address"
GPU_PRODUCT = "nvidia.com/gpu.product"
NOTEBOOK_PORT = 8888


def namespace(project: Project) -> str:
    """A DNS label of at most 63 characters; one to one with the project's reference."""
    return f"commons-{project.ref.lower()}"


def labels(project_ref: str, **more: str) -> dict[str, str]:
    return MANAGED | {PROJECT: project_ref.lower()} | more


def subject(person_id: int) -> str:
    """The name under which a cluster knows a person."""
    return f"commons:person-{person_id}"


def home(person_id: int) -> str:
    return f"home-p{person_id}"


def dataset_claim(slug: str) -> str:
    return f"dataset-{slug}"


def dataset_volume(namespace_name: str, slug: str) -> str:
    """Unique in the cluster: the same dataset in two namespaces needs two volumes."""
    return f"{namespace_name}-{slug}"
