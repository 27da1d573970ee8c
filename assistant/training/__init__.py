"""How the embedded encoder was made: data -> tokenizer -> table -> quantised weights -> model card.

`python -m assistant.training --data DATA --out FOLDER`. Needs the extra `train`; nothing at run time imports it.
"""
