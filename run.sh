#!/usr/bin/env bash
# Every other command: bash run.sh GROUP COMMAND ...; without arguments a table of them. Sets up what the command needs.
# NPROC=2 bash run.sh catalogue embed ... takes two processes, as do study precision-drift and study replay; without
# NPROC, one for each GPU.
set -euo pipefail
cd "$(dirname "$0")"
needed=(requirements.txt)
case "${1:-} ${2:-}" in
    "catalogue index" | "catalogue search" | "catalogue duplicates" | "view serve") needed+=(requirements-index.txt) ;;&
    "view serve") needed+=(requirements-serve.txt) ;;
    "exchange onnx") needed+=(requirements-onnx.txt) ;;
esac
case " $* " in
    *" milvus "* | *"=milvus "*) needed+=(requirements-milvus.txt) ;;
    *" --onnx"*) needed+=(requirements-onnx.txt) ;;
esac
source scripts/setup.sh "${needed[@]}"
case "${1:-} ${2:-}" in
    # Its processes do not know of each other.
    "catalogue embed") exec "$PYTHON" -m engine.launch --apart -m scripts "$@" ;;
    "study precision-drift" | "study replay") exec "$PYTHON" -m engine.launch -m scripts "$@" ;;
    *) exec "$PYTHON" -m scripts "$@" ;;
esac
