#!/usr/bin/env bash
# Lint, format, types, import contracts, workflows. Runs all of them, then fails if one did.
. "$(dirname "$0")/env.sh"
failed=
check() { echo "lint: $*" >&2 && "$@" || failed="$failed $1"; }
check ruff check .
check ruff format --check .
check mypy
contract=$(mktemp --suffix=.toml)
trap 'rm -f "$contract"' EXIT
sed "s/<pipelines>/$(ls pipelines | paste -sd'|')/" pyproject.toml >"$contract" # no pipeline knows another
check lint-imports --no-cache --config "$contract"
check zizmor --offline --quiet .github
check actionlint
check check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
check check-jsonschema --builtin-schema vendor.github-actions .github/actions/*/action.yml
check check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
check check-jsonschema --builtin-schema vendor.github-issue-forms .github/ISSUE_TEMPLATE/*.yml
[ -z "$failed" ] || { echo "lint: failed:$failed" >&2 && exit 1; }
