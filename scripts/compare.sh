#!/usr/bin/env bash
# What changed since another revision (default main), in Markdown: scripts/compare.sh origin/main
. "$(dirname "$0")/env.sh"
exec selfsown compare "$@"
