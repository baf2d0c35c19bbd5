"""How near two texts are in meaning: word vectors of an optional package, beside the words of the call."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from allocations.programme.matching.problem import Floats, Ints
from allocations.programme.matching.texts import Backend, Compare, tfidf_lsa

try:  # The one place that knows whether the optional extra is there.
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    READABLE = True
except ImportError:
    READABLE = False

PACKAGE = "wordllama"
# Only these two files of the package are read. Its own loader looks for the second in another folder than it
# is shipped in, and would fetch it from the network.
WEIGHTS, WORDS = "weights/l2_supercat_256.safetensors", "tokenizers/l2_supercat_tokenizer_config.json"
SAMPLE = 500  # Texts whose similarities set the scale; with 200 or 2,000 the measured loss is the same.
AT_ONCE = 500  # Texts read at a time: what the tokenizer says of a text takes far more memory than the text.


@dataclass(frozen=True, slots=True)
class _Scale:
    """Mean and spread of similarities between different texts."""

    mean: float
    spread: float


@dataclass(frozen=True, slots=True)
class _Both:
    words: Compare
    vectors: Floats
    to: _Scale
    of: _Scale

    def compare(self, rows: Ints, columns: Ints) -> Floats:
        """The mean of both, vectors brought to the scale of words; what is shown keeps its meaning."""
        apart = (self.vectors[rows] @ self.vectors[columns].T - self.of.mean) / (self.of.spread or 1.0)
        mean = (self.words(rows, columns) + self.to.mean + self.to.spread * apart) / 2
        same = np.equal.outer(rows, columns)
        return np.asarray(np.where(same, 1.0, np.clip(mean, 0.0, 1.0)), dtype=np.float64)


def words_and_vectors(texts: Sequence[str]) -> Compare:
    """Equal shares of `tfidf_lsa` and of the cosine of mean word vectors, as standardised scores.

    Measured on the public gold standard of expertise: see docs/matching.md.
    """
    if not texts:
        return tfidf_lsa(texts)
    words, vectors = tfidf_lsa(texts), _embedded(texts)
    some = np.unique(np.linspace(0, len(texts) - 1, min(len(texts), SAMPLE)).astype(np.int64))
    return _Both(
        words, vectors, to=_scale(words(some, some)), of=_scale(vectors[some] @ vectors[some].T)
    ).compare


def _embedded(texts: Sequence[str]) -> Floats:
    """A unit vector per text: the mean of its words' vectors; nothing where it has no word."""
    found = find_spec(PACKAGE)
    if found is None or found.origin is None or not READABLE:
        raise ValueError(f"{PACKAGE} is not installed: install requirements/embeddings.txt")
    home = Path(found.origin).parent
    table = load_file(home / WEIGHTS)["embedding.weight"].astype(np.float64)
    means = np.stack([table[ids].sum(axis=0) for ids in _read(texts, home / WORDS)])
    lengths = np.linalg.norm(means, axis=1, keepdims=True)
    return np.asarray(means / np.where(lengths > 0, lengths, 1.0), dtype=np.float64)


def _read(texts: Sequence[str], words: Path) -> Iterator[list[int]]:
    """The places of each text's words in the table."""
    tokenizer = Tokenizer.from_file(str(words))
    for start in range(0, len(texts), AT_ONCE):
        for one in tokenizer.encode_batch(list(texts[start : start + AT_ONCE]), add_special_tokens=False):
            yield one.ids


def _scale(similarities: Floats) -> _Scale:
    apart = similarities[np.triu_indices(len(similarities), 1)]
    return _Scale(float(apart.mean()), float(apart.std())) if len(apart) else _Scale(0.0, 0.0)


def named(model: str) -> str:
    """What compared the texts, with the version of its vectors, for the record of a run."""
    return model if model == "words" else f"words and {PACKAGE} {version(PACKAGE)}"


# What an operator may choose.
MODELS: Mapping[str, Backend] = {"words": tfidf_lsa, PACKAGE: words_and_vectors}
