# A few words to run anything; `make` alone lists them. Each one first installs what it needs, once.

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
PINNED := pyproject.toml constraints.txt \
  $(wildcard requirements/*.txt fer_lib/live/template/* fer_lib/live/template/*/*)
COMMA := ,
CONNECTION := fer_lib.live.server.connection.KernelConnection
# JupyterLab asks other hosts for news, newer versions and extensions, unless told not to.
OFFLINE := --LabApp.news_url=None --LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate \
  --LabApp.extension_manager=readonly

# For JupyterLab: without echo, large values such as frames are not sent back to the page. `fer-lib live` sets it itself.
export JUPYTER_WIDGETS_ECHO := 0
export PIP_DISABLE_PIP_VERSION_CHECK ?= 1
# For commands that start before fer_lib is imported. fer_lib/telemetry.py sets the same in every other process.
export ORT_DISABLE_TELEMETRY ?= 1
export RAY_USAGE_STATS_ENABLED ?= 0
export HF_HUB_DISABLE_TELEMETRY ?= 1

help:  ## list these words
	@echo "usage: make WORD [NAME=value ...]"
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

app: $(VENV)/.core  ## serve the live page at http://localhost:8866 (PORT=9000; IP=0.0.0.0 FER_ALLOWED_HOSTS=NAME for others)
	@$(RUN) fer_lib live --ip=$(IP) --port=$(PORT) $(ARGS)

lab: $(VENV)/.lab  ## open JupyterLab on the notebooks
	@$(RUN) jupyterlab --LabApp.default_url=/lab/tree/notebooks \
	  --ServerApp.kernel_websocket_connection_class=$(CONNECTION) --Session.digest_history_size=1000 $(OFFLINE) $(ARGS)

test: $(VENV)/.all  ## run every test, in the browser and in the notebooks too (ARGS="-k weights" runs some)
	@$(RUN) pytest $(ARGS)

check: $(VENV)/.all  ## look for mistakes in style and types, and for outputs left in notebooks
	@$(RUN) ruff check .
	@$(RUN) ruff format --check .
	@$(RUN) mypy
	@$(RUN) nbstripout --verify --keep-id notebooks/*.ipynb
	@$(VENV)/bin/python .ci/page_constants.py --check

notebooks: $(VENV)/.all  ## check the form of the notebooks and execute them on a little drawn data
	@$(RUN) pytest tests/test_notebooks.py $(ARGS)

# torch gives large blocks back after each step and asks for them again; glibc then keeps them, so none is cleared anew.
train: export MALLOC_MMAP_MAX_ := 0
train: export MALLOC_TRIM_THRESHOLD_ := 100000000000
train: $(VENV)/.train  ## train a network, with the knobs of .env (ARGS="-p NUM_EPOCHS 2" turns some, RECIPE=shipped all)
	@$(RUN) fer_lib.training.notebook $(if $(RECIPE),--recipe weights/$(RECIPE)) $(ARGS)

bench: $(VENV)/.all  ## measure what "fast" means, beside the classical way
	@$(RUN) benchmarks.pipeline $(ARGS)
	@$(RUN) benchmarks.network $(ARGS)
	@$(RUN) benchmarks.stability $(ARGS)
	@$(RUN) benchmarks.live $(ARGS)
	@$(RUN) benchmarks.visitors $(ARGS)
	@$(RUN) benchmarks.service $(ARGS)
	@$(RUN) benchmarks.training $(ARGS)

fuzz: $(VENV)/.all  ## try inputs that nobody would think of at every door (ARGS="pictures --inputs 1000000")
	@$(RUN) stress.fuzz $(ARGS)

soak: $(VENV)/.all  ## a bad connection, slow callers, a flood, an hour and a half of use, and a training killed often
	@$(RUN) stress.connection
	@$(RUN) stress.slow_clients
	@$(RUN) stress.flood
	@$(RUN) stress.soak $(ARGS)

clean:  ## remove the environment and all caches; data, runs and weights stay
	@rm -rf $(VENV) build dist .pytest_cache .ruff_cache .mypy_cache *.egg-info
	@find . -name __pycache__ -prune -exec rm -rf {} + -o -name .ipynb_checkpoints -prune -exec rm -rf {} +

# The environment. A stamp says what is in it already, and is void when what was installed has changed since:
# the package lies here, but its pins, its entry in pyproject.toml and the template of Voila are copied.
#
# $(call install,FILE,EXTRAS) compares the hash of every file with requirements/FILE.txt. HASHES=no installs the same
# versions from any source, such as another index or builds of your own.
ifeq ($(HASHES),no)
define install
@echo "HASHES=no: the hashes of the packages are not compared." >&2
@$(RUN) pip install $(PIP_ARGS) -c constraints.txt -e '.$(2)'
endef
else
define install
@$(RUN) pip install $(PIP_ARGS) --require-hashes -r requirements/build.txt -r requirements/$(1).txt || { \
  echo "The packages of requirements/$(1).txt could not be installed; pip's message is above. Where packages come from" \
    "another index or are builds of your own, HASHES=no installs the versions of constraints.txt without comparing hashes." >&2; exit 1; }
@$(RUN) pip install $(PIP_ARGS) --no-deps --no-build-isolation -e .
endef
endif

$(VENV)/.core: $(VENV)/.made $(PINNED)
	@echo "Installing what the live page needs into $(VENV) (some 550 MB, a minute or two) ..."
	$(call install,core,)
	@touch $@

$(VENV)/.lab: $(VENV)/.made $(PINNED)
	@echo "Installing JupyterLab and what the notebooks need, without torch, into $(VENV) (some 800 MB, a minute or two) ..."
	$(call install,lab,[lab$(COMMA)evaluate])
	@touch $@ $(VENV)/.core

$(VENV)/.train: $(VENV)/.made $(PINNED)
	@echo "Installing what training needs into $(VENV) (torch and friends, up to 7 GB on Linux, some minutes) ..."
	$(call install,train,[train])
	@touch $@ $(VENV)/.core

$(VENV)/.all: $(VENV)/.made $(PINNED)
	@echo "Installing everything into $(VENV) (torch and friends, up to 7 GB on Linux, some minutes) ..."
	$(call install,all,[all])
	@touch $@ $(VENV)/.train $(VENV)/.lab $(VENV)/.core

# An environment that was moved here, or whose Python went away with an upgrade, is made anew.
ifneq ($(shell test -x $(VENV)/bin/python && cat $(VENV)/.made 2>/dev/null),$(CURDIR))
.PHONY: $(VENV)/.made
endif

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "\`PYTHON\` must be Python 3.11 or newer, but $(PYTHON) is $$($(PYTHON) --version 2>&1 || true);" \
	    "name another one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "\`PYTHON\` must have the modules venv and ensurepip, but $(PYTHON) has not;" \
	    "on Debian and Ubuntu: sudo apt install python3-venv" >&2; exit 1; }
	@if test -e $@ || ! $(RUN) pip --version >/dev/null 2>&1; then $(PYTHON) -m venv --clear $(VENV); fi
	@pwd -P > $@
