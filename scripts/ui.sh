#!/usr/bin/env bash
# The MLflow UI over MLFLOW_TRACKING_URI (environment or .env; default sqlite:///mlflow.db), for this machine only.
. "$(dirname "$0")/env.sh"
uri=${MLFLOW_TRACKING_URI:-$(dotenv get MLFLOW_TRACKING_URI 2>/dev/null || echo sqlite:///mlflow.db)}
case $uri in
http://* | https://*) echo "ui: your runs are on a server already: $uri" ;;
*)
    python -c 'from selfsown.tracking import reap; reap()' # runs of killed stages are shown as what they are
    exec mlflow server --backend-store-uri "$uri" --host 127.0.0.1 --port "${PORT:-5000}" --workers 1
    ;;
esac
