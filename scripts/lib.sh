#!/usr/bin/env bash
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
#
# What the scripts share: paths, messages, and finding the Python interpreters. Source it, do not run it.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/ai-tenancy
COLLECTIONS=$ROOT/.collections/ansible_collections
NAMESPACE=ai_tenancy
NAME=platform
export ROOT CACHE COLLECTIONS NAMESPACE NAME

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ] && [ -z "${CI:-}" ]; then
    BOLD=$'\e[1m' RED=$'\e[31m' GREEN=$'\e[32m' YELLOW=$'\e[33m' PLAIN=$'\e[0m'
else
    BOLD='' RED='' GREEN='' YELLOW='' PLAIN=''
fi
export BOLD RED GREEN YELLOW PLAIN

say() { printf '%s==>%s %s\n' "$BOLD" "$PLAIN" "$*"; }
die() {
    printf '%serror:%s %s\n' "$RED" "$PLAIN" "$*" >&2
    exit 1
}

# python_minor PYTHON: print the minor version of a Python 3 that can make virtual environments; fail when
# it cannot. A version manager's shim of a version that is not switched on is in PATH, but does not run.
python_minor() {
    "$1" -c 'import sys, ensurepip, venv; sys.version_info[0] == 3 or sys.exit(1); print(sys.version_info[1])' 2>/dev/null
}

# find_python HIGHEST LOWEST: print the path of the newest working Python 3 between two minor versions.
find_python() {
    local minor candidate
    for ((minor = $1; minor >= $2; minor--)); do
        for candidate in $(type -aP "python3.$minor") "${PYENV_ROOT:-$HOME/.pyenv}/versions/3.$minor".*/bin/python3; do
            if [ "$(python_minor "$candidate")" = "$minor" ]; then
                printf '%s\n' "$candidate"
                return 0
            fi
        done
    done
    return 1
}

# ansible-core 2.19 is the last that runs on Python 3.11, 2.21 runs on 3.12 to 3.14; constraints.txt has the
# exact versions. The default Python decides which of the two is the main environment (.venv).
main_python() {
    local wanted=${AI_TENANCY_PYTHON:-python3} minor
    minor=$(python_minor "$wanted") || minor=0
    if ((minor >= 11 && minor <= 14)); then
        type -P "$wanted"
    elif [ -n "${AI_TENANCY_PYTHON:-}" ]; then
        return 1
    else
        find_python 14 11
    fi
}

# second_python MAIN: print a Python for the other ansible-core; fail when the machine has none.
second_python() {
    if [ "$(python_minor "$1")" = 11 ]; then find_python 14 12; else find_python 11 11; fi
}

core_of() { if [ "$(python_minor "$1")" = 11 ]; then echo 2.19; else echo 2.21; fi; }

# stage DIRECTORY: copy what git knows or would add to DIRECTORY/ansible_collections/<namespace>/<name>, with the
# dependencies beside it. ansible-test wants a real directory of that name, not a link, and tools that walk the
# tree must not find environments, laboratory state or their own droppings in it.
stage() {
    local target=$1/ansible_collections/$NAMESPACE/$NAME dependency
    mkdir -p "$target"
    git -C "$ROOT" ls-files -z --cached --others --exclude-standard |
        while IFS= read -r -d '' file; do
            if [ -e "$ROOT/$file" ]; then printf '%s\0' "$file"; fi
        done |
        tar -C "$ROOT" -c --ignore-failed-read --null -T - | tar -x -C "$target"
    for dependency in kubernetes ansible community; do
        ln -s "$COLLECTIONS/$dependency" "$1/ansible_collections/$dependency"
    done
}
