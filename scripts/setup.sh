# Sourced by the other scripts: `source scripts/setup.sh REQUIREMENTS_FILE ...` sets PYTHON to an interpreter that has
# what the files list: the current one if it does, else that of .venv, which is made where needed.
if python3 scripts/missing_requirements.py "$@" >/dev/null 2>&1; then
    PYTHON=python3
elif [ -x .venv/bin/python ] && .venv/bin/python scripts/missing_requirements.py "$@" >/dev/null; then
    PYTHON=.venv/bin/python
else
    echo "Setting up .venv, since this Python lacks some of $* (once; the first time several GB, some minutes) ..." >&2
    if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
        echo "error: Python 3.11 or newer is needed; python3 is $(python3 --version 2>&1)" >&2
        exit 2
    fi
    # Without Debian's python3-venv, or ended while it is made, .venv has Python but no pip.
    .venv/bin/python -m pip --version >/dev/null 2>&1 || python3 -m venv .venv || {
        echo "error: .venv cannot be made; on Debian and Ubuntu install python3-venv, then run this again" >&2
        exit 2
    }
    .venv/bin/python -m pip install --quiet --disable-pip-version-check "${@/#/--requirement=}"
    .venv/bin/python scripts/missing_requirements.py "$@"
    PYTHON=.venv/bin/python
    echo "Set up: .venv; for other commands: source .venv/bin/activate" >&2
fi
export PYTHON
