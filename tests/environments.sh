#!/usr/bin/env bash
# Does the package work with the oldest and the newest of everything that pyproject.toml allows?
#   tests/environments.sh [FOLDER]      builds FOLDER/oldest and FOLDER/newest (12 GB; default: a temporary folder)
# The oldest on Python 3.11, the newest on the newest Python that is there, up to 3.14. In each the wheel is installed as a
# user installs it, every module is imported, and the tests marked `unit` run, with those that start Snakemake.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:-$(mktemp -d)}
mkdir -p "$folder"

newest_python() {
    for version in 3.14 3.13 3.12 3.11; do
        uv python find --no-python-downloads --no-project "$version" 2> /dev/null && return
    done
}

check() { # NAME PYTHON RESOLUTION
    local here=$folder/$1 python=$folder/$1/bin/python
    uv venv --quiet --clear --python "$2" "$here"
    # --no-config: without the pins of [tool.uv]. The tools of the tests are as new as they fit.
    uv pip install --quiet --no-config --python "$python" --resolution "$3" ".[timm]"
    uv pip freeze --quiet --python "$python" | grep -v "^tradeoffs" > "$here/installed.txt"
    uv pip install --quiet --no-config --python "$python" --constraint "$here/installed.txt" \
        pytest pytest-cov pytest-xdist pytest-timeout hypothesis pyautoattack
    echo "== $1: $("$python" --version); $(grep -E '^(torch|numpy|pandas|snakemake)==' "$here/installed.txt" | paste -sd ' ')"
    "$python" -c "
import importlib, pkgutil, tradeoffs
for module in pkgutil.walk_packages(tradeoffs.__path__, 'tradeoffs.'):
    if not module.name.endswith('__main__'):
        importlib.import_module(module.name)"
    # Older libraries warn of what has since changed, and newer ones of what will: no failures here.
    tests=("$python" -m pytest -q -p no:cacheprovider -o filterwarnings=default)
    "${tests[@]}" -m unit tests
    "${tests[@]}" -m slow tests/study/test_config_files.py tests/runner/test_surroundings.py
}

check oldest 3.11 lowest-direct
check newest "$(newest_python)" highest
