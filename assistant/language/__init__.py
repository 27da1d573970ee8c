"""Language: detection, sentence boundaries, lexical tokens, numbers and dates, and a pack per language."""
