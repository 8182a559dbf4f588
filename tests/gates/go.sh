#!/usr/bin/env bash
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# Gate: gofmt, go vet and go test on the laboratory's own Go packages
set -euo pipefail
mapfile -t packages < <(cd tests/lab/go 2>/dev/null && find cmd internal -name '*.go' -printf './%h\n' | sort -u)
if [ ${#packages[@]} -eq 0 ]; then
    echo "no Go sources yet"
    exit 77
fi

# PROGRAM [arguments]: a program of the toolchain that builds the laboratory, in its module and with its settings,
# so that what was compiled for the laboratory is not compiled again
with_toolchain() {
    python -c '
import os, sys
from tests.lab import build
from tests.lab.progress import Progress
go = build.toolchain(Progress())
os.chdir(build.MODULE)
os.execvpe(go.parent / sys.argv[1], sys.argv[1:], build.environment(go))
' "$@"
}

with_toolchain go version
unformatted=$(with_toolchain gofmt -l cmd internal)
if [ -n "$unformatted" ]; then
    printf 'not in the form of gofmt:\n%s\n' "$unformatted"
    exit 1
fi
# cmd/kube and cmd/kwok only call upstream's commands; to vet them is to vet all of Kubernetes, four minutes the first
# time. The laboratory's build compiles them.
mapfile -t vetted < <(printf '%s\n' "${packages[@]}" | grep -v -x -e ./cmd/kube -e ./cmd/kwok)
with_toolchain go vet -trimpath "${vetted[@]}"
with_toolchain go test -trimpath "${packages[@]}"
