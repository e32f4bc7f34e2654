# Targets to run, test and check the project; `make` lists them. A target first installs its requirements, if missing.

SHELL := bash
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help app lab test check notebooks train bench fuzz soak clean

PYTHON ?= python3
PORT ?= 8866
IP ?= localhost
PIP_ARGS ?= -q
HASHES ?= yes
ARGS ?=

VENV := .venv
RUN := $(VENV)/bin/python -m
RUN_CI := $(VENV)/bin/python .ci
PINNED := pyproject.toml constraints.txt \
  $(wildcard requirements/*.txt fer_lib/live/template/* fer_lib/live/template/*/*)
COMMA := ,
CONNECTION := fer_lib.live.server.connection.KernelConnection
# By default JupyterLab requests news, newer versions and extensions from other hosts.
OFFLINE := --LabApp.news_url=None --LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate \
  --LabApp.extension_manager=readonly

# For JupyterLab: without echo, large values such as frames are not sent back to the page. `fer-lib live` sets it itself.
export JUPYTER_WIDGETS_ECHO := 0
export PIP_DISABLE_PIP_VERSION_CHECK ?= 1
# For commands that start before fer_lib is imported. fer_lib/telemetry.py sets the same in every other process.
export ORT_DISABLE_TELEMETRY ?= 1
export RAY_USAGE_STATS_ENABLED ?= 0
export HF_HUB_DISABLE_TELEMETRY ?= 1

help:  ## list the targets
	@echo "usage: make TARGET [NAME=value ...]"
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

app: $(VENV)/.core  ## serve the live page at http://localhost:8866 (PORT=9000; IP=0.0.0.0 FER_ALLOWED_HOSTS=NAME for other computers)
	@$(RUN) fer_lib live --ip=$(IP) --port=$(PORT) $(ARGS)

lab: $(VENV)/.lab  ## open the notebooks in JupyterLab
	@$(RUN) jupyterlab --LabApp.default_url=/lab/tree/notebooks \
	  --ServerApp.kernel_websocket_connection_class=$(CONNECTION) --Session.digest_history_size=1000 $(OFFLINE) $(ARGS)

test: $(VENV)/.all  ## run all tests, including browser and notebooks (ARGS="-k weights" selects some)
	@$(RUN) pytest $(ARGS)

check: $(VENV)/.all  ## check style, types, notebook outputs, generated files and avoided words
	@$(RUN) ruff check .
	@$(RUN) ruff format --check .
	@$(RUN) mypy
	@$(RUN) nbstripout --verify --keep-id notebooks/*.ipynb
	@$(RUN_CI)/page_constants.py --check
	@$(RUN_CI)/words.py

notebooks: $(VENV)/.all  ## check the form of the notebooks and execute them on the synthetic sample
	@$(RUN) pytest tests/test_notebooks.py $(ARGS)

# torch frees and allocates large blocks in each step; glibc then keeps them, so that no pages are zeroed again.
train: export MALLOC_MMAP_MAX_ := 0
train: export MALLOC_TRIM_THRESHOLD_ := 100000000000
train: $(VENV)/.train  ## train the emotion network with the settings of .env (ARGS="-p NUM_EPOCHS 2"; RECIPE=shipped)
	@$(RUN) fer_lib.training.notebook $(if $(RECIPE),--recipe weights/$(RECIPE)) $(ARGS)

bench: $(VENV)/.all  ## run the benchmarks, with the reference pipeline (facenet-pytorch and torch) for comparison
	@$(RUN) benchmarks.pipeline $(ARGS)
	@$(RUN) benchmarks.network $(ARGS)
	@$(RUN) benchmarks.stability $(ARGS)
	@$(RUN) benchmarks.live $(ARGS)
	@$(RUN) benchmarks.visitors $(ARGS)
	@$(RUN) benchmarks.service $(ARGS)
	@$(RUN) benchmarks.training $(ARGS)

fuzz: $(VENV)/.all  ## fuzz every entry point (ARGS="TARGET --inputs 1000000")
	@$(RUN) stress.fuzz $(ARGS)

soak: $(VENV)/.all  ## stress tests: bad connection, slow clients, flood, 90 minutes of load, killed training runs
	@$(RUN) stress.connection
	@$(RUN) stress.slow_clients
	@$(RUN) stress.flood
	@$(RUN) stress.soak $(ARGS)

clean:  ## remove the environment and all caches; data, runs and weights are kept
	@rm -rf $(VENV) build dist .pytest_cache .ruff_cache .mypy_cache *.egg-info
	@find . -name __pycache__ -prune -exec rm -rf {} + -o -name .ipynb_checkpoints -prune -exec rm -rf {} +

# The environment. A stamp file records which requirements are installed; it is out of date when a pin, pyproject.toml or
# the Voila template has changed. The package itself is an editable install.
#
# $(call install,FILE,EXTRAS) verifies the hash of every package against requirements/FILE.txt. HASHES=no installs the
# same versions from any source, such as another index or local builds.
ifeq ($(HASHES),no)
define install
@echo "HASHES=no: the hashes of the packages are not verified." >&2
@$(RUN) pip install $(PIP_ARGS) -c constraints.txt -e '.$(2)'
endef
else
define install
@$(RUN) pip install $(PIP_ARGS) --require-hashes -r requirements/build.txt -r requirements/$(1).txt || { \
  echo "The packages of requirements/$(1).txt could not be installed; see pip's message above. For packages of another" \
    "index or local builds, HASHES=no installs the versions of constraints.txt without verifying hashes." >&2; exit 1; }
@$(RUN) pip install $(PIP_ARGS) --no-deps --no-build-isolation -e .
endef
endif

$(VENV)/.core: $(VENV)/.made $(PINNED)
	@echo "Installing the requirements of the live page into $(VENV) (about 550 MB, one to two minutes) ..."
	$(call install,core,)
	@touch $@

$(VENV)/.lab: $(VENV)/.made $(PINNED)
	@echo "Installing JupyterLab and the requirements of the notebooks, without torch, into $(VENV) (about 800 MB, one to two minutes) ..."
	$(call install,lab,[lab$(COMMA)evaluate])
	@touch $@ $(VENV)/.core

$(VENV)/.train: $(VENV)/.made $(PINNED)
	@echo "Installing the requirements of training into $(VENV) (torch included, up to 7 GB on Linux, a few minutes) ..."
	$(call install,train,[train])
	@touch $@ $(VENV)/.core

$(VENV)/.all: $(VENV)/.made $(PINNED)
	@echo "Installing all requirements into $(VENV) (torch included, up to 7 GB on Linux, a few minutes) ..."
	$(call install,all,[all])
	@touch $@ $(VENV)/.train $(VENV)/.lab $(VENV)/.core

# The environment is created again if it was moved or if its Python no longer exists.
ifneq ($(shell test -x $(VENV)/bin/python && cat $(VENV)/.made 2>/dev/null),$(CURDIR))
.PHONY: $(VENV)/.made
endif

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "\`PYTHON\` must be Python 3.11 or newer, but $(PYTHON) is $$($(PYTHON) --version 2>&1 || true);" \
	    "use another one, such as make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "\`PYTHON\` must have the modules venv and ensurepip, but $(PYTHON) lacks them;" \
	    "on Debian and Ubuntu: sudo apt install python3-venv" >&2; exit 1; }
	@if test -e $@ || ! $(RUN) pip --version >/dev/null 2>&1; then $(PYTHON) -m venv --clear $(VENV); fi
	@pwd -P > $@
