#!/usr/bin/env bash
# The MLflow UI over MLFLOW_TRACKING_URI (environment or .env; default sqlite:///mlflow.db), for this machine only.
# Prints the link of each experiment's runs first.
. "$(dirname "$0")/env.sh"
port=${PORT:-5000}
uri=$(python - "http://127.0.0.1:$port" <<'END'
import sys

from selfsown.errors import UserError, without_password
from selfsown.tracking import reap, tracking_uri, why_away
from selfsown.tracking.store import connect, let_in
from selfsown.tracking.uri import SERVERS, runs_page

try:
    uri = tracking_uri()
    server = uri.startswith(SERVERS)
    if why := why_away(uri):
        raise UserError(f"{without_password(uri)} does not answer: {why}")
    with let_in():
        reap()  # runs of killed stages are shown as what they are
        experiments = sorted(connect(uri).search_experiments(), key=lambda found: found.name)
except UserError as error:
    sys.exit(f"ui: {error}")
at = without_password(uri) if server else sys.argv[1]
for experiment in experiments:
    if experiment.experiment_id != "0":  # MLflow's own, always empty here
        print(f"{experiment.name}: {runs_page(at, experiment.experiment_id)}", file=sys.stderr)
if server:
    print(f"ui: your runs are on a server already: {at}", file=sys.stderr)
else:
    print(uri)
END
)
if [ -n "$uri" ]; then
    export MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false # else seven more processes, for jobs on traces, which we have none of
    export MLFLOW_BACKEND_STORE_URI=$uri # an option would show the password in it to whoever lists processes
    exec mlflow server --host 127.0.0.1 --port "$port" --workers 1
fi
