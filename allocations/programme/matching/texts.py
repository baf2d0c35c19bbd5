"""How near two texts are: word weights and latent topics of the call's own texts; no model is shipped."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import normalize

from allocations.programme.matching.problem import Floats, Ints

COMPONENTS = 200
MANY = 100  # From so many texts on, words that only one of them has are dropped: noise, and most of the work.

Compare = Callable[[Ints, Ints], Floats]
"""Similarity (0 to 1) of the texts at places `rows` with those at places `columns`, as a matrix."""

Backend = Callable[[Sequence[str]], Compare]
"""What another text model has to offer.

It is called once with every distinct text of the call (proposals and papers, sorted) and returns a
`Compare` over places in that list. Equal texts must have similarity 1, the answer must not depend on
anything but the texts. A neural back end embeds all texts in the first call and multiplies in the second.
"""


@dataclass(frozen=True, slots=True)
class _Fitted:
    words: csr_array
    latent: Floats

    def compare(self, rows: Ints, columns: Ints) -> Floats:
        by_words = (self.words[rows] @ self.words[columns].T).toarray()
        by_topics = self.latent[rows] @ self.latent[columns].T
        return np.asarray(np.clip((by_words + by_topics) / 2, 0.0, 1.0), dtype=np.float64)


def tfidf_lsa(texts: Sequence[str]) -> Compare:
    """Mean of the cosines in TF-IDF (sublinear, one and two words, English stop words) and in LSA.

    LSA keeps 200 components, fewer where there are not so many texts or words. Measured on the public
    gold standard of expertise (arXiv 2303.16750): see docs/matching.md.
    """
    least = 2 if len(texts) >= MANY else 1
    vectorizer = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), stop_words="english", min_df=least)
    try:
        words = csr_array(vectorizer.fit_transform(texts))
    except ValueError:  # Nothing but stop words, or no text at all.
        return _nothing_alike
    components = min(COMPONENTS, min(words.shape) - 1)
    if components < 1:
        return _Fitted(words, words.toarray()).compare
    latent = TruncatedSVD(components, random_state=0).fit_transform(words)
    return _Fitted(words, np.asarray(normalize(latent), dtype=np.float64)).compare


def _nothing_alike(rows: Ints, columns: Ints) -> Floats:
    return np.zeros((len(rows), len(columns)))
