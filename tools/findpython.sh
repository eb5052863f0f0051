#!/bin/sh
# Prints the path of a Python interpreter of the given version, such as 3.12; exit 1: there is none.
#
# Looked for on PATH and among the versions of pyenv. What is found is run once: the name alone
# proves nothing (a pyenv shim exists for versions that are not selected).
set -eu

version=${1:?usage: tools/findpython.sh VERSION}

is_it() {
    "$1" -c "import sys; sys.exit('%d.%d' % sys.version_info[:2] != '$version')" 2>/dev/null
}

for candidate in "python$version" \
    "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$version"*/bin/"python$version"; do
    path=$(command -v "$candidate") || continue
    if is_it "$path"; then
        echo "$path"
        exit 0
    fi
done
exit 1
