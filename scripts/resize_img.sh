#!/usr/bin/env bash
# The published name of `bash run.sh data resize`.
exec bash "$(dirname "$0")/../run.sh" data resize "$@"
