# Thin names for the scripts that .ci/run calls too. Each sets up what it needs.
# PIPELINE=<name>      one of pipelines/ instead of all      PROFILE=smoke  another profile (see CONTRIBUTING.md)
# VARIANT=<name>       other data or an ablation (conf/variant/), several as [a,b]; with PROFILE= or study
# PYTHON=python3.12   the interpreter to set up with   ARGS='-k text' passed on to pytest
.PHONY: help repro compare study table test ui lint bench
export PIPELINE PROFILE VARIANT PYTHON

help:   ## this list
	@sed -n 's/^\([a-z]*\): *## /make \1\t/p' Makefile | expand -t 16

repro:  ## run what is not up to date: all pipelines, or PIPELINE=; PROFILE= switches params.yaml first
	@scripts/repro.sh

compare: ## what changed since main, or since the revision in ARGS
	@scripts/compare.sh $(ARGS)

study:  ## PIPELINE= on the profile study, or PROFILE=, three seeds, merged into metrics/<pipeline>.study*.json
	@scripts/study.sh

table:  ## PIPELINE's paper: its figures with ours beside, as Markdown, CSV and LaTeX in reports/tables/
	@scripts/table.sh

test:   ## unit tests
	@scripts/test.sh $(ARGS)

ui:     ## MLflow on http://127.0.0.1:5000
	@scripts/ui.sh

lint:   ## ruff, mypy, import contracts
	@scripts/lint.sh

bench:  ## every benchmark against its peer, after make repro
	@scripts/bench.sh
