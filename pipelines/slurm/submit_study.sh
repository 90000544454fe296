#!/usr/bin/env bash
# A study as an array over its arms and seeds, without Snakemake:
#     submit_study.sh STUDY.yaml FOLDER [OPTIONS OF SBATCH]
# Give the same command again after a failure: what is done is not done again.
set -euo pipefail
study=$1 folder=$2
shift 2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

genomenet study claim "$study" --out "$folder"
last=$(($(genomenet study show "$folder" | tail -n 1 | awk '{print $1}')))
mkdir -p "$folder/logs"
step() {  # name, options of sbatch..., --, command
    local name=$1 options=()
    shift
    while [ "$1" != -- ]; do options+=("$1"); shift; done
    shift
    sbatch --parsable --job-name="genomenet-$name" --requeue --open-mode=append \
        --output="$folder/logs/$name.log" "${options[@]}" --wrap="srun $(printf '%q ' "$@")"
}
prepare=$(step prepare "$@" -- genomenet study prepare "$folder")
floors=$(step floors "$@" -- genomenet study floors "$folder")
arms=$(sbatch --parsable "$@" --dependency="afterok:$prepare" --array="0-$last" \
    --output="$folder/logs/arm-%a.log" "$here/arm.sbatch" "$folder")
gather=$(step gather "$@" --dependency="afterok:$arms:$floors" -- genomenet study gather "$folder")
echo "sent $prepare (prepare), $floors (floors), $arms (arms 0 to $last) and $gather (gather)"
