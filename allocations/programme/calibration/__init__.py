"""Scores made comparable between strict and lenient reviewers, with honest limits."""
