"""Word vectors beside the words of the call: the optional package itself, read without the network."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from allocations.programme.matching.affinity import Profile, Text, affinities
from allocations.programme.matching.texts import tfidf_lsa
from allocations.programme.matching.vectors import words_and_vectors

ROOT = Path(__file__).resolve().parents[3]
RAIN = "Forecasting heavy rain with neural networks"
SHOWERS = "Predicting intense precipitation by deep learning"
SOIL = "Medieval pottery found in burial sites"
TEXTS = (RAIN, SHOWERS, SOIL)
ALL = np.arange(len(TEXTS))

# The package's own way, sent to where it keeps its second file; whoever asks for the network is stopped.
THEIRS = """
import sys
def stop(event, given):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname"):
        raise RuntimeError(event)
sys.addaudithook(stop)
from allocations.programme.matching.vectors import words_and_vectors
from allocations.programme.matching import vectors
texts = ["Forecasting heavy rain with neural networks", "x", "Überraschung – 気候"]
ours = vectors._embedded(texts)
words_and_vectors(texts)
assert not {"wordllama", "requests", "huggingface_hub"} & set(sys.modules)
import pathlib, numpy, wordllama
home = pathlib.Path(wordllama.__file__).parent
theirs = wordllama.WordLlama.load(cache_dir=home, disable_download=True).embed(texts, norm=True)
print(abs(ours - theirs).max() < 1e-6)
"""


def test_texts_that_share_a_meaning_and_no_word_are_near() -> None:
    words, both = tfidf_lsa(TEXTS)(ALL, ALL), words_and_vectors(TEXTS)(ALL, ALL)

    assert words[0, 1] == pytest.approx(words[0, 2])
    assert both[0, 1] > both[0, 2]


def test_the_reviewer_who_says_it_in_other_words_fits_better() -> None:
    found = affinities([Text(1, RAIN)], [Profile(5, (SHOWERS,)), Profile(6, (SOIL,))], words_and_vectors)

    assert found.affinity[0, 0] > found.affinity[0, 1]


def test_a_text_is_like_itself_and_nothing_is_outside_of_nought_and_one() -> None:
    both = words_and_vectors(TEXTS)(ALL, ALL)

    assert np.diag(both) == pytest.approx(1.0)
    assert both.min() >= 0
    assert both.max() <= 1


def test_similarities_keep_the_scale_that_words_have() -> None:
    topics = (RAIN, SHOWERS, SOIL, "Rain and snow", "Heavy snow in the mountains", "Pottery of the mountains")
    places, apart = np.arange(len(topics)), np.triu_indices(len(topics), 1)
    words, both = (model(topics)(places, places)[apart] for model in (tfidf_lsa, words_and_vectors))

    assert both.mean() == pytest.approx(words.mean(), abs=0.02)
    assert both.std() <= words.std() + 0.02


@pytest.mark.parametrize("texts", [(), ("the",), (RAIN,), ("the", "and")])
def test_next_to_no_text_is_no_fault(texts: tuple[str, ...]) -> None:
    places = np.arange(len(texts))

    both = words_and_vectors(texts)(places, places)

    assert both.shape == (len(texts), len(texts))
    assert np.isfinite(both).all()


def test_vectors_are_the_packages_own_and_want_no_network() -> None:
    done = subprocess.run(
        [sys.executable, "-c", THEIRS], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )

    assert done.stdout.strip() == "True", done.stderr


def test_without_the_package_there_is_a_sentence_and_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wordllama", None)

    with pytest.raises(ValueError, match="wordllama is not installed"):
        words_and_vectors(TEXTS)
