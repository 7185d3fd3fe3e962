#!/bin/bash
# One rank per GPU, on any number of nodes. Slurm itself starts the ranks. The directory must be one that all nodes see.
#
#   sbatch --nodes 2 examples/cluster/slurm.sh --env envs/python.wasm --policy models/qwen
#   OUT=experiments/4711 sbatch …           goes on with what an earlier job left
#   DEVICE=cpu sbatch --gpus-per-node 0 …   without GPUs
#
#SBATCH --job-name=azr-host
#SBATCH --ntasks-per-node=8
#SBATCH --gpus-per-node=8
#SBATCH --cpus-per-task=12
#SBATCH --time=24:00:00
#SBATCH --open-mode=append
#SBATCH --requeue
# Ten minutes before the end the ranks finish their step, write a checkpoint and stop. More than a step must fit in.
#SBATCH --signal=TERM@600
set -eu

MASTER_ADDR=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
# Below the ports that Linux gives to outgoing connections.
MASTER_PORT=$((20000 + SLURM_JOB_ID % 10000))
# Each rank has cores of its own, so there are none to share out.
LOCAL_WORLD_SIZE=1
# Goes on with the experiment where there is one: a requeued job has begun it.
TORCHELASTIC_RESTART_COUNT=1
export MASTER_ADDR MASTER_PORT LOCAL_WORLD_SIZE TORCHELASTIC_RESTART_COUNT
# Where a node has several networks: export GLOO_SOCKET_IFNAME=ib0

# Since Slurm 22.05 srun does not take over --cpus-per-task from the job.
srun --kill-on-bad-exit=1 --cpus-per-task="$SLURM_CPUS_PER_TASK" --cpu-bind=cores \
  bash -c 'RANK=$SLURM_PROCID WORLD_SIZE=$SLURM_NTASKS LOCAL_RANK=$SLURM_LOCALID exec azr-host "$@"' \
  azr-host --device "${DEVICE:-cuda}" --out "${OUT:-experiments/$SLURM_JOB_ID}" "$@"
