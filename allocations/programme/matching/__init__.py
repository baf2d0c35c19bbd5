"""Who reviews what: affinities, assignment with a floor and reasons, and review among applicants."""
