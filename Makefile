# Everything runs in .venv, which these targets create. Needs Python 3.11 or newer and make.
PYTHON ?= python3
BIN := .venv/bin
DEMO := runs/demo
# What also runs on Keras' JAX backend: everything but data, distribution and export.
CORE_TESTS := tests/ops tests/layers tests/regularizers_test.py tests/fusion tests/networks \
	tests/losses_test.py tests/metrics tests/models tests/weights
# Two processes, each with its share of the files, in the order of tests/conftest.py.
PARALLEL := --numprocesses=2 --dist=loadfile --no-loadscope-reorder

.PHONY: demo test test-slow wheel-test docs lint format benchmark clean

demo: .venv/recipes.installed
	$(BIN)/python -m recipes.segmentation.compare --config=rendered_rooms --config.data.data_dir=$(DEMO)/data \
		--workdir=$(DEMO) --variants=rgb,depth,channel_exchanging
	$(BIN)/python -m recipes.segmentation.export --workdir=$(DEMO)/channel_exchanging_0 \
		--output=$(DEMO)/model
	@echo "Table: $(DEMO)/comparison.md   Pictures: $(DEMO)/channel_exchanging_0/report.html"

test: .venv/test.installed
	$(BIN)/python -m pytest $(PARALLEL)
	KERAS_BACKEND=jax $(BIN)/python -m pytest $(PARALLEL) $(CORE_TESTS)

test-slow: .venv/test.installed
	$(BIN)/python -m pytest -m slow

wheel-test: .venv/test.installed
	$(BIN)/python -m pytest -m wheel tests/packaging

docs: .venv/docs.installed
	$(BIN)/python -m sphinx -q -W --keep-going -b html docs build/docs
	@echo "Site: build/docs/index.html"

lint: .venv/test.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: .venv/test.installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

benchmark: .venv/recipes.installed
	$(BIN)/python -m benchmarks.overhead

clean:
	rm -rf .venv runs build dist *.egg-info

.venv/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "keras_asym needs Python 3.11 or newer: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv .venv

.venv/recipes.installed: setup.cfg | .venv/bin/pip
	$(BIN)/pip install --quiet --editable '.[recipes]'
	touch $@

.venv/test.installed: setup.cfg | .venv/bin/pip
	$(BIN)/pip install --quiet --editable '.[test,jax]'
	touch $@ .venv/recipes.installed

.venv/docs.installed: setup.cfg | .venv/test.installed
	$(BIN)/pip install --quiet --editable '.[docs]'
	touch $@
