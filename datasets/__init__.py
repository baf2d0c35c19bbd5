"""The dataset catalogue, access requests and grants, and what a project may mount."""
