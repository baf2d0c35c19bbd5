"""Fields of science offered in forms: OECD's second level (Frascati Manual 2015, table 2.2), shortened."""

FIELDS = (
    "Mathematics",
    "Computer and information sciences",
    "Physical sciences",
    "Chemical sciences",
    "Earth and environmental sciences",
    "Biological sciences",
    "Engineering and technology",
    "Medical and health sciences",
    "Agricultural and veterinary sciences",
    "Psychology and cognitive sciences",
    "Economics and business",
    "Social sciences",
    "Languages and literature",
    "Other humanities and the arts",
)
# How long somebody has been in research, as reviewers and the office are asked.
SENIORITIES = (
    (
        "early_career",
        "Early career",
        "Up to about eight years since the doctorate, or still on the way to it",
    ),
    ("experienced", "Experienced", "With projects of their own"),
    ("senior", "Senior", "Leads a group, or has sat on panels such as this one"),
    ("", "Not said"),
)
