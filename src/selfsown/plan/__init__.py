"""What a profile costs before it runs."""
