"""Answering: a question and its passages -> an Answer whose every quote is verified."""
