# make drill: rehearse a rollback here and now.  make test: everything this machine can test.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: drill test lint constraints clean

drill: $(VENV)/.ready
	@$(BIN)/warroom drill $(ARGS)

test: $(VENV)/.ready
	@$(BIN)/python -m pytest $(ARGS)

lint: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	for tree in v1.5.0 v1.5.1; do (cd console/drill/releases/$$tree && $(CURDIR)/$(BIN)/mypy --strict --cache-dir=/dev/null walletconnect) || exit 1; done
	$(BIN)/lint-imports

$(VENV)/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "warroom needs Python 3.11 or newer; name one: make PYTHON=python3.11 ..." >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV) || { echo "this Python has no venv; on Debian and Ubuntu: apt install python3-venv" >&2; exit 2; }
	@echo "making the environment in $(VENV) (once, about half a minute)" >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[drill,tmux,dev]'
	@touch $@

# Exact versions of everything indirect, without any address in it.
constraints:
	uv pip compile pyproject.toml --extra drill --extra tmux --extra dev --no-annotate --no-header --no-emit-index-url --universal -o constraints.txt

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
