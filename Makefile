# Everything here is a convenience around `snakemake` and `pytest` inside .venv; see README.md.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
CONFIG ?= config.yaml
CORES ?= all
SPELLED := scripts workflow tests docs Snakefile Makefile README.md CONTRIBUTING.md CHANGELOG.md config.yaml
SMOKE := workflow/configs/smoke.yaml
# The rules that make tables, pages and figures.
DRAWN = $(shell sed -n 's/^rule \(.*\):/\1/p; s/^use rule plot_figure as \(.*\) with:/\1/p' \
	workflow/rules/tables.smk workflow/rules/pages.smk workflow/rules/figures.smk | grep -vx plot_figure)
# The study's name: in ARGS (--config study=name), else in the config file.
named = $(patsubst study=%,%,$(lastword $(filter study=%,$(subst ',,$(subst ",,$(ARGS))))))
# Runs the study of a config file, writes its report, prints its tables. ARGS goes to both calls of snakemake.
workflow = { [ -f "$(1)" ] || { echo "$(1) does not exist; name a study file with CONFIG=file.yaml." >&2; false; }; } && \
	results=results/$(or $(named),$$($(BIN)/python -c 'import sys, yaml; print(yaml.safe_load(open(sys.argv[1])).get("study", "default"))' $(1))) && \
	$(BIN)/snakemake --cores $(CORES) --configfile $(1) $(ARGS) && \
	$(BIN)/snakemake --configfile $(1) --report $$results/report.html --quiet all $(ARGS) && \
	PYTHONPATH=scripts $(BIN)/python -m localist.report.summary $$results
# Runs a command, then prints in one line whether it succeeded and how long it took.
define reported
	@started=$$SECONDS; if $(2); then echo "make $(1): done in $$((SECONDS - started)) s."; \
	else status=$$?; echo "make $(1): FAILED after $$((SECONDS - started)) s; see the messages above." >&2; exit $$status; fi
endef

.PHONY: help env resources run inspect inspect-blocks smoke figures docs test test-cluster bench bench-training bench-blocks bench-corpus bench-scale torture device-bundle device-check lint format clean

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|'

.venv/ready: requirements.txt
	@echo "Creating the environment in .venv (two minutes; later runs skip this) ..."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is required; select one with: make PYTHON=python3.12" >&2; exit 1; }
	@started=$$SECONDS; $(PYTHON) -m venv .venv && \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.txt && \
		touch $@ && echo "Environment created in $$((SECONDS - started)) s."

env: .venv/ready ## Create the pinned environment in .venv

run: env ## Run the study of CONFIG (default: config.yaml), including its report
	$(call reported,run,$(call workflow,$(CONFIG)))

inspect: env ## Read the corpus of CONFIG and show what was read and removed, without training
	$(call reported,inspect,$(BIN)/snakemake inspect_corpus --cores $(CORES) --configfile $(CONFIG) $(ARGS))

inspect-blocks: env ## Compute the blocks of CONFIG and show their topics and quality, without training
	$(call reported,inspect-blocks,$(BIN)/snakemake inspect_blocks --cores $(CORES) --configfile $(CONFIG) $(ARGS))

smoke: env ## Run the complete workflow on a tiny random model
	$(call reported,smoke,$(call workflow,$(SMOKE)))

figures: env ## Regenerate all tables and figures of CONFIG from its evaluation files
	$(call reported,figures,$(BIN)/snakemake figures --forcerun $(DRAWN) --cores $(CORES) --configfile $(CONFIG) $(ARGS))

resources: env
	@$(BIN)/snakemake resources --quiet all --cores $(CORES) --configfile $(SMOKE)

test: env resources ## Run the tests
	$(call reported,test,LOCALIST_REHEARSAL=1 $(BIN)/python -m pytest -m "not cluster" -n auto --maxprocesses 4)

test-cluster: env resources ## Run studies on a local SLURM started for the test (needs slurm-wlm and munge; 10 minutes)
	$(call reported,test-cluster,$(BIN)/python -m pytest -m cluster)

bench: env ## Benchmark attention with block mass against stock attention (35 minutes)
	@$(BIN)/snakemake resources/models/smollm2-135m-instruct --quiet all --cores $(CORES)
	$(call reported,bench,PYTHONPATH=scripts $(BIN)/python tests/bench/bench_attention.py $(ARGS))

bench-training: env ## Measure the savings from gradient checkpointing and adapters (10 minutes on one core)
	@$(BIN)/snakemake resources/models/smollm2-135m-instruct --quiet all --cores $(CORES)
	$(call reported,bench-training,PYTHONPATH=scripts $(BIN)/python tests/bench/bench_training.py $(ARGS))

bench-blocks: env ## Compare blocks with the articles and sections of a complete dump (40 minutes)
	@$(BIN)/snakemake results/whole_dump/blocks/embeddings.npy results/whole_dump/tokens/train --cores $(CORES) \
		--config study=whole_dump 'corpus={articles: []}'
	$(call reported,bench-blocks,PYTHONPATH=scripts $(BIN)/python tests/bench/bench_blocks.py $(ARGS))

bench-corpus: env resources ## Measure accuracy and speed of reading books in each format (a minute)
	$(call reported,bench-corpus,PYTHONPATH=scripts:tests/support:tests/bench $(BIN)/python tests/bench/bench_corpus.py $(ARGS))

bench-scale: env ## Benchmark blocks on a million sentences (20 minutes)
	$(call reported,bench-scale,PYTHONPATH=scripts $(BIN)/python tests/bench/bench_scale.py $(ARGS))

docs/workflow.svg: env $(wildcard workflow/rules/*.smk) docs/site/draw_workflow.py
	@set -o pipefail; $(BIN)/snakemake --rulegraph --configfile config.yaml | $(PYTHON) docs/site/draw_workflow.py | tred | dot -Tsvg -o $@

.venv-docs/ready: docs/site/requirements.txt
	@$(PYTHON) -m venv .venv-docs
	@.venv-docs/bin/python -m pip install --quiet --disable-pip-version-check --requirement docs/site/requirements.txt
	@touch $@

docs: .venv-docs/ready ## Build the documentation site in .site; broken links are errors
	@.venv-docs/bin/sphinx-build --quiet --fresh-env --write-all --fail-on-warning --keep-going -c docs/site . .site
	@cp .site/README.html .site/index.html && echo "Open .site/index.html"

torture: env resources ## Kill, stop and starve smoke studies and compare their outputs (100 rounds take two hours)
	$(call reported,torture,PYTHONPATH=scripts:tests/support $(BIN)/python tests/bench/torture.py $(ARGS))

device-bundle: env ## Pack the inputs of device-check into .device (10 minutes)
	@$(BIN)/snakemake --cores $(CORES) --configfile tests/gpu/study.yaml --resources gpu=1 gpu_jobs=1 -- \
		resources/models/smollm2-135m-instruct results/device/tokens/{train,validation,test} \
		results/device/blocks/{semantic,fixed,shifted,spans}/{train,test}.npy results/device/blocks/causal/own_keys.npz
	$(call reported,device-bundle,$(BIN)/python tests/gpu/device_check.py prepare)

.device/study.tar.xz:
	@$(MAKE) device-bundle

device-check: env .device/study.tar.xz ## Run all tests and benchmarks for this machine's GPU (9 minutes; ARGS=--rehearse uses the CPU)
	$(call reported,device-check,$(BIN)/python tests/gpu/device_check.py run $(ARGS))

lint: env ## Check style, types, spelling, package layers and rules
	$(call reported,lint,$(BIN)/ruff check . && $(BIN)/ruff format --check . && \
		$(BIN)/snakefmt --check Snakefile workflow && $(BIN)/snakemake --lint && $(BIN)/basedpyright && \
		PYTHONPATH=scripts $(BIN)/lint-imports && $(BIN)/codespell $(SPELLED))

format: env ## Format the code
	$(BIN)/ruff format . && $(BIN)/ruff check --fix . && $(BIN)/snakefmt Snakefile workflow

clean: ## Delete results and caches; keep resources and .venv
	@find results -mindepth 1 -maxdepth 1 ! -name README.md -exec rm -rf {} +
	@rm -rf .pytest_cache .ruff_cache .hypothesis
	@echo "make clean: results deleted; resources and .venv kept."
