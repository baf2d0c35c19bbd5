"""Measurements: counts and ratios of one run, printed as tables. Nothing here is asserted."""
