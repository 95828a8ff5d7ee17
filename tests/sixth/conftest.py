"""These tests run in the clone that `tests/test_sixth_pipeline.py` makes, where there is such a pipeline."""

collect_ignore = ["tests"]
