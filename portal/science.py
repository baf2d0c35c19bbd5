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
