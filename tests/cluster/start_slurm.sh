#!/usr/bin/env bash
# A SLURM of four nodes on this machine, all of it under FOLDER:  tests/cluster/start_slurm.sh FOLDER
# Then:  export SLURM_CONF=FOLDER/etc/slurm.conf PATH=FOLDER/bin:$PATH       End it with stop_slurm.sh FOLDER.
#   cpu1, cpu2  partition main; jobs of partition urgent preempt its jobs, which are queued again
#   gpu1        partition gpu, with two stand-ins for GPUs, which are scheduled like real ones
#   bare1       partition bare, where the folders in HIDDEN (separated by :) are empty; left out without the right to mount
# Needs slurm-wlm and munge. Every folder on the way to FOLDER must be readable for others.
set -euo pipefail
folder=$(mkdir -p "$1" && cd "$1" && pwd)
host=$(hostname -s)
mkdir -p "$folder"/{bin,etc,log,run,state} "$folder"/spool/{cpu1,cpu2,gpu1,bare1}
chmod 755 "$folder"
(umask 077 && head -c 1024 /dev/urandom >"$folder/etc/munge.key")
munged --socket="$folder/run/munge.sock" --key-file="$folder/etc/munge.key" --log-file="$folder/log/munged.log" \
    --pid-file="$folder/run/munged.pid" --seed-file="$folder/run/munged.seed"
cat >"$folder/etc/slurm.conf" <<CONF
ClusterName=one_machine
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=16817
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/munge
AuthInfo=socket=$folder/run/munge.sock
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool/%n
SlurmctldPidFile=$folder/run/slurmctld.pid
SlurmdPidFile=$folder/run/slurmd.%n.pid
SlurmctldLogFile=$folder/log/slurmctld.log
SlurmdLogFile=$folder/log/slurmd.%n.log
MailProg=/bin/true
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SlurmdParameters=config_overrides
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
GresTypes=gpu
EnforcePartLimits=ALL
JobSubmitPlugins=lua
# Memory limits without cgroups: a job's memory is looked at every second.
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
MinJobAge=600
KillWait=5
SlurmdTimeout=30
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0,bf_interval=2
NodeName=cpu[1-2] NodeHostname=$host NodeAddr=127.0.0.1 Port=[16821-16822] CPUs=4 RealMemory=48000
NodeName=gpu1 NodeHostname=$host NodeAddr=127.0.0.1 Port=16823 CPUs=4 RealMemory=48000 Gres=gpu:a100:2
NodeName=bare1 NodeHostname=$host NodeAddr=127.0.0.1 Port=16824 CPUs=4 RealMemory=48000
PartitionName=DEFAULT DefaultTime=00:10:00 MaxTime=2-00:00:00 DefMemPerCPU=500
PartitionName=main Nodes=cpu[1-2] Default=YES
PartitionName=urgent Nodes=cpu[1-2] PriorityTier=10 PreemptMode=OFF
PartitionName=gpu Nodes=gpu1
PartitionName=bare Nodes=bare1
CONF
echo 'NodeName=gpu1 Name=gpu Type=a100 File=/dev/null,/dev/zero' >"$folder/etc/gres.conf"
# What a site with a policy does: the partition bare is for those who name an account.
cat >"$folder/etc/job_submit.lua" <<'LUA'
function slurm_job_submit(job, partitions, uid)
    if job.partition == "bare" and job.account == nil then
        slurm.log_user("jobs of the partition bare need an account")
        return slurm.ERROR
    end
    return slurm.SUCCESS
end
function slurm_job_modify(job, record, partitions, uid)
    return slurm.SUCCESS
end
return slurm.SUCCESS
LUA
# Snakemake's job step takes every SLURM_* variable away from the srun that it calls.
printf '#!/bin/sh\nSLURM_CONF=%s exec %s "$@"\n' "$folder/etc/slurm.conf" "$(command -v srun)" >"$folder/bin/srun"
chmod +x "$folder/bin/srun"
export SLURM_CONF="$folder/etc/slurm.conf" PATH="$folder/bin:$PATH"
slurmctld
nodes=3
for node in cpu1 cpu2 gpu1; do slurmd -N "$node"; done
if unshare --mount true 2>/dev/null; then
    nodes=4
    unshare --mount sh -c 'IFS=:; for place in $HIDDEN; do mount -t tmpfs tmpfs "$place"; done; slurmd -N bare1'
fi
for _ in $(seq 100); do
    [ "$(sinfo --noheader --Node --format '%N %t' 2>/dev/null | sort -u | grep -c ' idle$')" = "$nodes" ] && exit 0
    sleep 0.1
done
sinfo --Node --long
exit 1
