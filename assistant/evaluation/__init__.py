"""Evaluation: measured choices, benchmarks, question sets and their metrics."""
