#!/usr/bin/env bash
# Install GenomeNet with CUDA kernels into a virtual environment; Dockerfile and genomenet.def run it.
#     install.sh SOURCE VENV
# FLASH_ATTN=1 compiles flash-attn too, which takes nvcc and an hour: it has no wheel for this torch.
set -euo pipefail
source=$1 venv=$2
python3 -m venv "$venv"
# The pins of development, but for torch: its version is the kernels' choice here.
grep -v '^torch==' "$source/constraints.txt" > "$venv/constraints.txt"
pip=("$venv/bin/pip" install --no-cache-dir -c "$venv/constraints.txt")
"${pip[@]}" -r "$source/containers/requirements-gpu.txt"
if [ "${FLASH_ATTN:-0}" = 1 ]; then
    "${pip[@]}" ninja packaging setuptools wheel
    "${pip[@]}" --no-build-isolation flash-attn==2.8.3
fi
"${pip[@]}" "$source"
