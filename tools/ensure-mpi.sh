#!/usr/bin/env bash
# Prints the flags with which cargo builds and tests runs of several processes, where MPI is there or can be installed;
# otherwise nothing, and a sentence on standard error: everything else is tested all the same.
set -euo pipefail

packages=(libopenmpi-dev openmpi-bin libclang-dev)

has_mpi() {
    # Beside the library, libclang needs the headers of its own version: its package for running alone has none.
    command -v mpicc >/dev/null && command -v mpirun >/dev/null &&
        compgen -G '/usr/lib*/llvm-*/lib/libclang.so' >/dev/null &&
        compgen -G '/usr/lib*/llvm-*/lib/clang/*/include/stddef.h' >/dev/null
}

. "$(dirname "${BASH_SOURCE[0]}")/install.sh"
if [ "$(uname -s)" = Linux ] && ! has_mpi; then
    install "${packages[@]}" || true
fi
if has_mpi; then
    echo "--features swav-wgpu/mpi"
else
    count=$(grep -c '^#\[test\]' "$(dirname "${BASH_SOURCE[0]}")/../tests/it/cli/ranks.rs")
    echo "The $count tests of runs by MPI are left out: they need ${packages[*]} (${why_not:-which are for Linux})." >&2
fi
