"""Calls, proposals, reviews, conflicts, ranking and decisions."""
