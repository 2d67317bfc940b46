# The whole of the project's commands. `make book` and `make test` need Python and make.
PYTHON ?= python3
VENV ?= .venv
WORKERS ?= 2
export PATH := $(abspath $(VENV))/bin:$(PATH)
PIP = python -m pip --disable-pip-version-check install --quiet
HASHED = $(PIP) --require-hashes --no-deps --no-compile -r
.PHONY: book test lab notebooks portable bench lock clean

book: $(VENV)/.book
	rm -rf _build/html
	jupyter-book build . --all --warningiserror --nitpick --keep-going --quiet
	@echo "The book is at $(abspath _build/html/index.html)"

test: $(VENV)/.all
	python -m pytest --nbval -n $(WORKERS) --dist loadfile

lab: $(VENV)/.all
	jupyter lab book --LabApp.extra_labextensions_path=$(abspath tools/labextensions)

notebooks: $(VENV)/.all
	python tools/notebooks.py execute $(PAGES)

portable: $(VENV)/.all
	python tools/notebooks.py portable $(if $(ALL),--all) $(PAGES)

bench: $(VENV)/.all
	python tools/bench.py $(BENCHMARKS)

lock: $(VENV)/.all
	python tools/lock.py

clean:
	rm -rf _build $(VENV) .pytest_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.book: requirements/book.txt | $(VENV)/bin/python
	$(HASHED) requirements/book.txt
	touch $@

$(VENV)/.all: requirements/all.txt pyproject.toml tools/ipython_kernel_config.py $(VENV)/.book
	$(HASHED) requirements/all.txt
	-python -m compileall -q -j 0 $(VENV)/lib  # some files are templates, not Python
	$(PIP) --no-deps --no-build-isolation --editable .
	mkdir -p $(VENV)/etc/ipython && cp tools/ipython_kernel_config.py $(VENV)/etc/ipython/
	touch $@
