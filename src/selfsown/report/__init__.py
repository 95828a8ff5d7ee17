"""The results page: what the pipelines measured, beside what the papers report."""
