"""The software that a notebook can be started with."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Image:
    slug: str
    name: str
    summary: str
    reference: str


IMAGES = (
    Image(
        "pytorch",
        "PyTorch",
        "PyTorch with CUDA, and the usual scientific Python.",
        "quay.io/jupyter/pytorch-notebook:cuda12-2025-10-20",
    ),
    Image(
        "tensorflow",
        "TensorFlow",
        "TensorFlow with CUDA, and the usual scientific Python.",
        "quay.io/jupyter/tensorflow-notebook:cuda-2025-10-20",
    ),
    Image(
        "scipy",
        "Scientific Python",
        "NumPy, SciPy, pandas and plotting; small and quick to start.",
        "quay.io/jupyter/scipy-notebook:2025-10-20",
    ),
)
BY_SLUG = {image.slug: image for image in IMAGES}
