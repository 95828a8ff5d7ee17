#!/usr/bin/env bash
# The figures of PIPELINE's paper with those in metrics/ beside, in reports/tables/ and, as Markdown, on the screen.
. "$(dirname "$0")/env.sh"
: "${PIPELINE:?which one? make table PIPELINE=<one of pipelines/>}"
known_pipeline
exec selfsown table "$PIPELINE"
