"""Reasoning in text: rationales that end in an answer, and the calculator that writes their results."""
