#!/usr/bin/env bash
# Ends the SLURM that start_slurm.sh started under FOLDER, with its jobs:  tests/cluster/stop_slurm.sh FOLDER
folder=$(cd "$1" && pwd) || exit 1
export SLURM_CONF="$folder/etc/slurm.conf"
timeout 5 scancel --full --signal=KILL --user="$(id -un)" 2>/dev/null
processes=()
for file in "$folder"/run/{slurmd.*,slurmctld,munged}.pid; do
    [ -s "$file" ] && process=$(cat "$file") && kill "$process" 2>/dev/null && processes+=("$process")
done
for _ in $(seq 80); do
    kill -0 "${processes[@]}" 2>/dev/null || exit 0
    sleep 0.1
done
kill -9 "${processes[@]}" 2>/dev/null
exit 0
