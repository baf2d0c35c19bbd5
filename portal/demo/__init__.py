"""Demo data for laptops: the cast, and a programme with a history, all through the verbs."""
