#!/bin/sh
# Copy the server into FOLDER: its database as a dump, and the files of both buckets. The server may go on meanwhile.
# A folder takes any number of backups: what it has of the files is not copied again, and nothing of it is deleted.
# Where from is in PG..., AWS_... and MLFLOW_S3_ENDPOINT_URL, as for the server itself. Needs pg_dump and rclone.
set -eu
folder=${1:?usage: backup.sh FOLDER}
export RCLONE_CONFIG= RCLONE_CONFIG_STORAGE_TYPE=s3 RCLONE_CONFIG_STORAGE_PROVIDER=Other RCLONE_CONFIG_STORAGE_ENV_AUTH=true
export RCLONE_CONFIG_STORAGE_ENDPOINT="${MLFLOW_S3_ENDPOINT_URL:-}"

mkdir -p "$folder"
dump=$folder/$(date -u +%Y%m%dT%H%M%SZ).dump
# The database first: then the files of every run in it are there to be copied. It gets its name last: then all is there.
pg_dump --format=custom --no-owner --file="$dump.part"
for bucket in mlflow dvc; do
    rclone copy --use-server-modtime "storage:$bucket" "$folder/$bucket"
done
mv "$dump.part" "$dump"
echo "backup: $dump"
