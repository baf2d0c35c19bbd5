"""Files that people send in: what they are, whether they are safe, and what they say about their authors."""
