"""Web: the chat console and what serves it. It renders answers; it decides nothing."""
