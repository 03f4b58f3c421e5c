#!/bin/sh
# Slurm and Open MPI as Debian packages them, on this machine alone: everything that can be shared out, in parts that are made at
# the same time in one directory, one of them lost and made again, and in blocks of which one is taken over from a dead worker;
# all joined to the bytes of the whole.
#
#   tests/cluster/run.sh target/debug/losscape
#   tests/cluster/run.sh target/debug/losscape sharpness propagate     some of them
#
# Run by hand and as root (it installs packages and starts munged, slurmctld and slurmd on loopback); no part of `cargo test`.
set -eu

program=$(realpath "${1:?the program to try}")
shift
work=$(mktemp -d /tmp/losscape-cluster.XXXXXX)
chmod 755 "$work"
pids=

finish() {
    # Those that this script has started, the last one first.
    for pid in $pids; do kill "$pid" 2>/dev/null || true; done
    for pid in $pids; do wait "$pid" 2>/dev/null || true; done
}
trap finish EXIT INT TERM

say() { printf '%s\n' "== $*"; }
fail() {
    printf '%s\n' "FAILED: $*"
    for log in "$work"/*.log "$work"/slurm-*.out; do
        if [ -s "$log" ]; then
            echo "-- $log"
            tail -5 "$log"
        fi
    done
    exit 1
}

# What is not there is installed.
packages=
command -v slurmctld >/dev/null && command -v slurmd >/dev/null || packages="slurm-wlm munge"
command -v mpirun >/dev/null || packages="$packages openmpi-bin"
if [ -n "$packages" ]; then
    apt-get update
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $packages
fi

# The same bytes, whoever made them: everything but what tells of the machine, the lock, and the parts.
same() {
    for file in $(cd "$1" && find . -type f ! -name machine.json ! -name .lock ! -path './shard-*'); do
        cmp "$1/$file" "$2/$file" || fail "$3: $file differs"
    done
    more=$(cd "$2" && find . -type f ! -path './shard-*' | sort)
    less=$(cd "$1" && find . -type f ! -path './shard-*' | sort)
    [ "$more" = "$less" ] || fail "$3: other files: $more"
    say "$3: the bytes of the whole"
}

cd "$work"
cat >recipe.toml <<'RECIPE'
title = "Widths"
seeds = 4
[train]
data = "spirals"
samples = 200
epochs = 10
[[vary]]
name = "width"
set = "train.hidden"
values = [3, 5, 8]
[[measure]]
name = "loss"
of = "train.final.train_loss"
RECIPE
for seed in 0 1 2 3; do
    "$program" train --hidden 8 --epochs 2 --samples 200 --seed $seed --quiet --out net-$seed
done
small="--data spirals --samples 60 --batch-size 10"
slice="slice --run net-0 --x 21 --threads 1"
recipe="run recipe.toml --threads 1"
minima="minima --run net-0 --run net-1 --run net-2 --run net-3 --points 9 --threads 1"
instability="instability $small --hidden 4 --epochs 3 --branch 0,4,9 --seeds 2 --points 5 --threads 1"
critical="critical --data spirals --samples 20 --hidden 2 --initial 6 --training 3 --minimum 3 --saddle 4 --runs 2 --epochs 20 --threads 1"
ticket="ticket $small --hidden 8,5 --epochs 2 --rounds 2 --prune 0.5 --seeds 5 --points 5 --threads 1"
train="train --seeds 6 --hidden 3 --epochs 1 --samples 60 --threads 1"
sharpness="sharpness --run net-0 --run net-1 --exact 0 --block layer --compute eigenvalues,trace,density,noise,measures --top 2 --probes 2 --density-steps 5 --density-probes 3 --measures sam,average-case --steps 40 --samples 60 --allow-unconverged --threads 1"
propagate="propagate --hidden 6,6 --init he-normal --init orthogonal --seeds 3 --samples 20 --threads 1"
all=${*:-slice recipe minima instability critical ticket train sharpness propagate}
for of in $all; do
    eval "words=\$$of"
    # shellcheck disable=SC2086
    "$program" $words --quiet --out "$of-whole"
done

# ---- Slurm

munge=/run/munge/munge.socket.2
if ! munge -n >/dev/null 2>&1; then
    mkdir -p /run/munge /var/log/munge /var/lib/munge /etc/munge
    [ -s /etc/munge/munge.key ] || dd if=/dev/urandom of=/etc/munge/munge.key bs=1 count=1024 2>/dev/null
    chmod 400 /etc/munge/munge.key
    chmod 755 /run/munge
    chown -R munge: /run/munge /var/log/munge /var/lib/munge /etc/munge
    setpriv --reuid=munge --regid=munge --clear-groups munged --foreground --socket=$munge >munged.log 2>&1 &
    pids="$! $pids"
fi
host=$(hostname -s)
mkdir -p state spool
cat >slurm.conf <<CONF
ClusterName=loopback
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=1,batch_sched_delay=0
MpiDefault=none
ReturnToService=2
SlurmdParameters=config_overrides
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
SlurmctldLogFile=$work/slurmctld.log
SlurmdLogFile=$work/slurmd.log
SlurmctldPort=16817
SlurmdPort=16818
NodeName=$host NodeAddr=127.0.0.1 CPUs=4 State=UNKNOWN
PartitionName=all Nodes=$host Default=YES MaxTime=10 State=UP
CONF
export SLURM_CONF="$work/slurm.conf"
slurmctld -D -f slurm.conf >slurmctld.out 2>&1 &
pids="$! $pids"
slurmd -D -f slurm.conf -N "$host" >slurmd.out 2>&1 &
pids="$! $pids"
tries=0
until sinfo -h -o %T 2>/dev/null | grep -q idle; do
    tries=$((tries + 1))
    [ $tries -lt 60 ] || fail "the node did not come up: $(sinfo -h 2>&1 | head -1)"
    sleep 0.5
done
say "$(slurmd -V) is up: $(sinfo -h -o '%n %c CPUs %T')"

# A batch job to its end: options, then the command after `--`.
batch() {
    options=
    while [ "$1" != -- ]; do
        options="$options $1"
        shift
    done
    shift
    # shellcheck disable=SC2086
    sbatch --quiet --wait $options --wrap "$*" </dev/null
}

for of in $all; do
    eval "words=\$$of"
    batch --array=0-3 -- "$program" $words --quiet --shard auto --out "$of-array" || fail "$of: the array"
    rm -r "$of-array/shard-2-of-4"
    "$program" merge "$of-array" --quiet 2>missing.log && fail "$of: a missing part went unnoticed"
    say "$of: $(cat missing.log)"
    batch --array=2 -- "$program" $words --quiet --shard auto --out "$of-array" && fail "$of: a redo took all"
    batch --array=1,3,7 -- "$program" $words --quiet --shard auto --out "$of-gaps" && fail "$of: gaps"
    batch --array=2 -- "$program" $words --quiet --shard auto/4 --out "$of-array" || fail "$of: the redo"
    "$program" merge "$of-array" --quiet || fail "$of: merge"
    same "$of-whole" "$of-array" "$of, an array of four"

    batch --array=1-2 --ntasks=2 -- srun "$program" $words --quiet --shard auto --out "$of-ranks" || fail "$of: ranks"
    rm -r "$of-ranks/shard-3-of-4"
    batch --array=2 --ntasks=2 -- srun "$program" $words --quiet --shard auto/1-2 --out "$of-ranks" ||
        fail "$of: ranks once more"
    "$program" merge "$of-ranks" --quiet || fail "$of: merge of ranks"
    same "$of-whole" "$of-ranks" "$of, an array of two with two ranks each"

    srun --quiet --ntasks=3 "$program" $words --quiet --shard auto --out "$of-srun" || fail "$of: srun"
    "$program" merge "$of-srun" --quiet || fail "$of: merge of srun"
    same "$of-whole" "$of-srun" "$of, srun of three"

    # The jobs that submit writes: an array, and the merge that waits for it.
    # shellcheck disable=SC2086
    "$program" submit --slurm --parts 4 --run $words --out "$of-submit" || fail "$of: submit"
    tries=0
    while squeue -h | grep -q .; do
        tries=$((tries + 1))
        [ $tries -lt 240 ] || fail "$of: the jobs of submit did not end: $(squeue -h | head -1)"
        sleep 0.5
    done
    cat "$of-submit"/slurm-*.log
    rm "$of-submit"/*.sbatch "$of-submit"/slurm-*.log
    same "$of-whole" "$of-submit" "$of, submitted"

    # Workers that claim blocks of a shared folder, of which one is killed.
    "$program" $words --claim 6 --quiet --out "$of-claim" &
    killed=$!
    until ls "$of-claim"/shard-*/claim >/dev/null 2>&1; do :; done
    kill -9 $killed
    wait $killed 2>/dev/null || true
    srun --quiet --ntasks=3 "$program" $words --claim 6 --quiet --out "$of-claim" || fail "$of: claims"
    "$program" merge "$of-claim" --quiet || fail "$of: merge of claims"
    same "$of-whole" "$of-claim" "$of, three workers and a dead one"
done

# ---- Open MPI

mpi="mpirun --allow-run-as-root --oversubscribe"
for of in $all; do
    eval "words=\$$of"
    $mpi -n 4 "$program" $words --quiet --shard auto --out "$of-mpi" || fail "$of: mpirun"
    rm -r "$of-mpi/shard-1-of-4"
    "$program" $words --quiet --shard 1/4 --out "$of-mpi" || fail "$of: a part by hand"
    "$program" merge "$of-mpi" --quiet || fail "$of: merge under mpirun"
    same "$of-whole" "$of-mpi" "$of, mpirun of four"
done

# None of the ranks is given a network: one of them trains it, and none is refused.
mkdir bare
cd bare
printf '%s\n' 'x = "9"' '[train]' 'hidden = [4]' 'samples = 100' 'epochs = 3' >slice.toml
$mpi -n 4 "$program" slice --config slice.toml --quiet --shard auto --out p || fail "ranks without a network"
"$program" slice --config slice.toml --quiet --out whole
"$program" merge p --quiet
same whole p "slice, mpirun of four without a network"
cd ..

# Within an array of Slurm, mpirun starts ranks of its own.
batch --array=0-1 --ntasks=2 -- $mpi -n 2 "$program" $slice --quiet --shard auto --out nested || fail "nested"
"$program" merge nested --quiet || fail "merge of nested"
# shellcheck disable=SC2086
[ -d slice-whole ] || "$program" $slice --quiet --out slice-whole
same slice-whole nested "slice, an array of two with mpirun of two each"

say "all parts joined to the bytes of the whole"
finish
trap - EXIT
rm -rf "$work"
