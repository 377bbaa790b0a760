# Everything runs in .venv, which these targets create. Needs Python 3.11 or newer and make.
PYTHON ?= python3
BIN := .venv/bin
NIGHTLY := .venv-nightly/bin
DEMO := runs/demo
# What also runs on Keras' JAX backend: everything but data, distribution and export.
CORE_TESTS := tests/ops tests/layers tests/regularizers_test.py tests/fusion tests/networks \
	tests/losses_test.py tests/metrics tests/models tests/weights
# Two processes, each with its share of the files, in the order of tests/conftest.py.
PARALLEL := --numprocesses=2 --dist=loadfile --no-loadscope-reorder

.PHONY: demo test test-slow test-nightly wheel-test notebook docs lint format benchmark clean

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

# Keras as it will be: what keras_internals.py takes from inside of it, and the core on JAX.
test-nightly: .venv-nightly/test.installed
	$(NIGHTLY)/pip install --quiet --force-reinstall --no-deps --pre keras-nightly
	$(NIGHTLY)/python -c 'import keras; print("Keras", keras.__version__)'
	$(NIGHTLY)/python -m pytest tests/keras_internals_test.py
	KERAS_BACKEND=jax $(NIGHTLY)/python -m pytest $(PARALLEL) tests/keras_internals_test.py $(CORE_TESTS)

wheel-test: .venv/test.installed
	$(BIN)/python -m pytest -m wheel tests/packaging

# What TensorFlow writes to stderr meanwhile is stored, too: delete it, as the test says.
notebook: .venv/docs.installed
	cd examples && ../$(BIN)/jupyter execute --inplace --NotebookClient.record_timing=False quickstart.ipynb

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
	rm -rf .venv .venv-nightly runs build dist *.egg-info

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

.venv-nightly/test.installed: setup.cfg
	$(PYTHON) -m venv .venv-nightly
	$(NIGHTLY)/pip install --quiet --editable '.[test,jax]'
	$(NIGHTLY)/pip uninstall --quiet --yes keras # keras-nightly takes its place
	touch $@
