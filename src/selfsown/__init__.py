"""Small models that learn from data made at home."""
