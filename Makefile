# Two commands are enough: `make run` and `make test`. Everything they need goes into .venv.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
WORKERS ?= 2
OUT ?= assistant/models/forum-table-v1

.PHONY: run test check lint types system eval baseline bench bench-web fusion crossing train docs lock clean help

help:  ## what there is to make
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort

run: $(VENV)/.run  ## index the corpus and open the chat at http://127.0.0.1:7860
	-$(BIN)/assistant ingest
	$(BIN)/assistant serve --open

test: $(VENV)/.dev system lint types  ## every test, on a clean checkout too
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup

check: $(VENV)/.dev lint types  ## the quick suite, under two minutes
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup -m "not slow and not browser"

lint: $(VENV)/.dev
	$(BIN)/ruff check .

types: $(VENV)/.dev
	$(BIN)/mypy

# Debian's chromium draws the pages in browser tests, nginx stands before the server in others. Installed only as root on Debian; elsewhere the tests say what
# they skip (with CI=true they skip nothing).
system:
	@if [ -x /usr/bin/chromium ] && [ -x /usr/sbin/nginx ]; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-noto-core fonts-noto-cjk nginx-light >/dev/null; \
	else echo "skipped where missing: browser tests (/usr/bin/chromium), tests with nginx"; fi

SETS := evals/forums evals/conflicts evals/conversations evals/overviews

eval: $(VENV)/.run  ## every question of the sets, held against the gates and the committed baseline; the report: evals/runs/latest.html
	$(BIN)/assistant ingest
	$(BIN)/assistant eval run $(SETS) --fresh --baseline evals/baselines/release.jsonl.gz --html evals/runs/latest.html --junit evals/runs/latest.xml --json evals/runs/latest.json

baseline: $(VENV)/.run  ## keep today's answers as the baseline of later runs, and make those that stand beside
	$(BIN)/assistant ingest
	-$(BIN)/assistant eval run $(SETS) --fresh
	$(BIN)/assistant eval keep
	$(BIN)/assistant eval baselines $(SETS)

bench: $(VENV)/.dev  ## speed and memory, beside plain llama-index in the same run
	$(BIN)/python -m assistant.evaluation.bench

bench-web: $(VENV)/.dev  ## first text, capacity, overload and the widget's weight, beside Gradio's queue in the same run
	$(BIN)/python -m assistant.evaluation.bench_web

fusion: $(VENV)/.dev  ## choose the fusion weights anew; DATA=folder with pairs/*.qa.jsonl.zst
	$(BIN)/python -m assistant.evaluation.fusion --data $(DATA)

crossing: $(VENV)/.dev  ## measure search across languages and choose its weights; DATA=folder with heldout/ntrex
	$(BIN)/python -m assistant.evaluation.crossing --data $(DATA) --grid

train: $(VENV)/.dev  ## make the embedded encoder anew (an hour on two cores); DATA=folder with pairs/ and heldout/
	$(BIN)/python -m assistant.training --data $(DATA) --out $(OUT)

docs: $(VENV)/.dev  ## docs/settings.md, the corpus's PDF, DOCX, PPTX, HTML and mail files and its SOURCES.md from what they describe
	$(BIN)/python -m assistant.originals
	$(BIN)/python -m assistant.generated

lock: ## requirements.lock from a fresh environment
	rm -rf .lock-venv && $(PYTHON) -m venv .lock-venv
	.lock-venv/bin/pip install -q -e ".[dev]"
	.lock-venv/bin/pip freeze --exclude-editable | sed -E 's/\+[a-z0-9.]+$$//' > requirements.lock
	rm -rf .lock-venv

$(VENV)/bin/python:
	@$(PYTHON) -m venv $(VENV) || { echo "Python's venv is missing: apt-get install python3-venv"; exit 1; }

$(VENV)/.run: pyproject.toml requirements.lock | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock -e .
	@touch $@

$(VENV)/.dev: pyproject.toml requirements.lock | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock -e ".[dev]"
	@touch $@ $(VENV)/.run

clean:  ## remove the environment, caches and built indexes
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find indexes -mindepth 1 -maxdepth 1 -type d -exec rm -rf {} +
