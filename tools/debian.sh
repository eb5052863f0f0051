#!/bin/sh
# Installs the Debian packages that the tests and the demo need, and nothing that is there already.
#
#   tools/debian.sh demo     one server and jq
#   tools/debian.sh test     both servers, an independent client, the shells (default)
#   tools/debian.sh bench    more clients to measure against; one that cannot be had is said
#
# No service is started by the installation: a policy-rc.d that says so is in place meanwhile.
# Exit: 0 all there; 1 something is missing and could not be installed, and why is said.
# "bench" is content with what it gets: 0 in any case.
set -eu

demo="prosody prosody-modules lua-sec lua-event jq"
test="$demo lua-dbi-sqlite3 ejabberd go-sendxmpp tinyproxy-bin microsocks zsh fish"
bench="sendxmpp xmppc"

case "${1:-test}" in
    demo) wanted=$demo ;;
    test) wanted=$test ;;
    bench)
        for package in $bench; do
            [ -z "$(command -v "$package")" ] || continue
            "$0" --package "$package" || echo "debian.sh: going on without $package" >&2
        done
        exit 0
        ;;
    --package) wanted=$2 ;;
    *)
        echo "usage: tools/debian.sh [demo|test|bench]" >&2
        exit 2
        ;;
esac

# 1. What is missing?
if ! command -v dpkg-query >/dev/null 2>&1; then
    echo "debian.sh: this is not a Debian system; please install these yourself: $wanted" >&2
    exit 1
fi
# shellcheck disable=SC2086  # a list of words
there=$(dpkg-query --show --showformat '${db:Status-Status} ${Package}\n' $wanted 2>/dev/null) || :
missing=
for package in $wanted; do
    case "
$there
" in
        *"
installed $package
"*) ;;
        *) missing="$missing $package" ;;
    esac
done
[ -n "$missing" ] || exit 0

# 2. May we install it?
if [ "$(id -u)" -eq 0 ]; then
    as_root=
elif command -v sudo >/dev/null 2>&1 && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
    as_root=sudo
else
    echo "debian.sh: neither root nor sudo; as root, please: apt-get install$missing" >&2
    exit 1
fi

# 3. Install, with nothing started on public ports, and behind another apt-get of this checkout.
if command -v flock >/dev/null; then exec 9>"$(dirname "$0")/../.apt.lock" && flock 9; fi
policy=/usr/sbin/policy-rc.d
kept=
restore() {
    status=$?
    trap - EXIT HUP INT TERM
    $as_root rm -f "$policy"
    [ -z "$kept" ] || $as_root mv "$kept" "$policy"
    exit "$status"
}
trap restore EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
if [ -e "$policy" ]; then
    kept=$policy.xmppctl
    $as_root mv "$policy" "$kept"
fi
printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
$as_root chmod 755 "$policy"

install_missing() {
    # shellcheck disable=SC2086
    $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install --yes --quiet --no-install-recommends $missing
}
echo "debian.sh: installing$missing" >&2
if ! install_missing; then
    # the package lists may be old, or absent as in a fresh container
    if ! { $as_root apt-get update --quiet && install_missing; }; then
        echo "debian.sh: could not install$missing (no network, or no such package?)" >&2
        exit 1
    fi
fi
