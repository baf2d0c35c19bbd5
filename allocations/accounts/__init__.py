"""Resources and pools, the ledger, projects, awards and what becomes of an allocation."""
