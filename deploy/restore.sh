#!/bin/sh
# Fill an empty server from FOLDER, which backup.sh made: with its newest dump, or with DUMP. MLflow must not run yet.
# Cut off, it can be called again. The settings are those of backup.sh. Needs psql, pg_restore and rclone.
set -eu
folder=${1:?usage: restore.sh FOLDER [DUMP]}
dump=${2:-$(ls "$folder"/*.dump 2>/dev/null | tail -1)}
export RCLONE_CONFIG= RCLONE_CONFIG_STORAGE_TYPE=s3 RCLONE_CONFIG_STORAGE_PROVIDER=Other RCLONE_CONFIG_STORAGE_ENV_AUTH=true
export RCLONE_CONFIG_STORAGE_ENDPOINT="${MLFLOW_S3_ENDPOINT_URL:-}"

if [ ! -f "$dump" ]; then
    echo "restore: $folder: no finished backup is there" >&2
    exit 1
fi
tables=$(psql --no-psqlrc --tuples-only --no-align --command "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
if [ "$tables" != 0 ]; then
    echo "restore: the database has $tables tables: only an empty server is filled (docker compose down --volumes empties it)" >&2
    exit 1
fi
for bucket in mlflow dvc; do # before the database, in which no run then lacks its files
    if [ -d "$folder/$bucket" ]; then rclone copy --s3-no-check-bucket "$folder/$bucket" "storage:$bucket"; fi
done
pg_restore --single-transaction --exit-on-error --no-owner --dbname="$PGDATABASE" "$dump"
echo "restore: $dump"
