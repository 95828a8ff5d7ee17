#!/usr/bin/env bash
# The MLflow UI over MLFLOW_TRACKING_URI (environment or .env; default sqlite:///mlflow.db), for this machine only.
# Prints the link of each experiment's runs first.
. "$(dirname "$0")/env.sh"
uri=${MLFLOW_TRACKING_URI:-$(dotenv get MLFLOW_TRACKING_URI 2>/dev/null || echo sqlite:///mlflow.db)}
port=${PORT:-5000}
case $uri in
http://* | https://*) at=${uri%/} ;;
*) at=http://127.0.0.1:$port ;;
esac
python - "$at" <<'END'
import sys

from selfsown.tracking import reap, tracking_uri, why_away
from selfsown.tracking.store import connect

reap()  # runs of killed stages are shown as what they are
if why := why_away(tracking_uri()):
    sys.exit(f"ui: {tracking_uri()} does not answer: {why}")
for experiment in sorted(connect(tracking_uri()).search_experiments(), key=lambda found: found.name):
    if experiment.experiment_id != "0":  # MLflow's own, always empty here
        # without the workflow type MLflow 3 opens an empty page about traces
        print(f"{experiment.name}: {sys.argv[1]}/#/experiments/{experiment.experiment_id}/runs?workflowType=machine_learning")
END
if [ "$at" = "${uri%/}" ]; then
    echo "ui: your runs are on a server already: $uri"
else
    exec mlflow server --backend-store-uri "$uri" --host 127.0.0.1 --port "$port" --workers 1
fi
