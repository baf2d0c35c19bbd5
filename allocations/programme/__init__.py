"""Calls, proposals, reviews, conflicts, ranking and decisions, in the order in which they happen.

A call: `calls`, `opening`, `questions`, `steps`, `editions`, `wording`, `starting`.
A proposal: `proposals`, `writing`, `answers`, `teams`, `contents`, `importing`, `substitutes`, `shortform`,
`grace`.
Before review: `progress`, `screening`, `assessing`, `ruling`.
Who may judge: `relations` in words and `bars` in SQL, `conflicts`, `acquaintance`, `coauthors`,
`publications`; `disclosure` says who learns whose name.
Reviewers: `expertise`, `reviewers`, `bids`, `staffing`, `assigning`, `proposed`, and
`matching/` for the arithmetic.
Review: `reviews`, `reviewing`, `talking`, `lapsing`, and `exchanging` among applicants.
Panel: `panel_list`, `ranking`, `calibrated` with `calibration/`, `meetings` to `minutes`, `draws` and `ties`,
`splitting` with `selection/`.
Decision and after: `decisions`, `deciding`, `appeals`, `leftovers`, `publishing`.
Long computations: `runs`, `jobs`.
"""
