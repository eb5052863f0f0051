#!/bin/sh
# Makes or completes a virtual environment with xmppctl (editable) and the tools of development.
#
#   tools/venv.sh DIRECTORY PYTHON      such as: tools/venv.sh .venv python3
#
# Exit: 0 it is complete; 1 something is lacking, and what is said.
set -eu

directory=${1:?usage: tools/venv.sh DIRECTORY PYTHON}
python=${2:?usage: tools/venv.sh DIRECTORY PYTHON}
cd "$(dirname "$0")/.."

fail() {
    echo "venv.sh: $*" >&2
    exit 1
}

# 1. The interpreter.
command -v "$python" >/dev/null || fail "$python is not there; choose one with make PYTHON=..."
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "$("$python" --version) is too old: xmppctl needs 3.11; choose one with make PYTHON=..."

# 2. The environment; one of another version of Python, or half made, is made anew.
probe='import pip, sys; print(sys.version_info[:2])'
wanted=$("$python" -c 'import sys; print(sys.version_info[:2])')
if [ "$("$directory/bin/python" -c "$probe" 2>/dev/null)" != "$wanted" ]; then
    if ! "$python" -c 'import ensurepip' 2>/dev/null; then
        # Debian keeps this part of Python in a package of its own.
        package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
        as_root=
        [ "$(id -u)" -eq 0 ] || as_root=sudo
        echo "venv.sh: installing $package" >&2
        { command -v apt-get && command -v ${as_root:-env}; } >/dev/null ||
            fail "ensurepip is missing; please install $package"
        # another apt-get may be at work, for the servers
        if command -v flock >/dev/null; then exec 9>.apt.lock && flock 9; fi
        install="$as_root env DEBIAN_FRONTEND=noninteractive
            apt-get install --yes --quiet --no-install-recommends"
        $install "$package" || { $as_root apt-get update --quiet && $install "$package"; } ||
            fail "could not install $package"
        exec 9>&-
    fi
    echo "venv.sh: making $directory with $("$python" --version)" >&2
    "$python" -m venv --clear "$directory"
fi

# 3. The packages. `pip install --group` came with pip 25.1.
pip="$directory/bin/python -m pip --disable-pip-version-check"
case "$($pip --version)" in
    "pip 2"[0-4].* | "pip 25.0"*) $pip install --quiet --upgrade 'pip>=25.1' ;;
esac
$pip install --quiet --editable . --group dev ||
    fail "pip could not install the packages (no way to the package index?)"
if ! "$directory/bin/python" -c \
    'import importlib.util, sys; sys.exit(importlib.util.find_spec("aioxmpp") is None)'; then
    # Python 3.13 and later: see docs/install.md
    $pip install --quiet --no-deps aioxmpp==0.13.3
fi

# 4. Byte code: without it every start of xmppctl would compile what it imports.
"$directory/bin/python" -m compileall -q "$directory/lib" >/dev/null || : # foreign templates
