#!/bin/sh
# Real servers for the tests: Prometheus (promtool) and Chromium, from Debian's packages.
# Root installs what is missing; anybody else is told, and the tests that need it are skipped
# (with CI=true they fail instead).
set -u
missing=""
command -v promtool >/dev/null 2>&1 || missing="$missing prometheus"
command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
command -v cc >/dev/null 2>&1 || missing="$missing gcc libc6-dev"
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing for the tests:$missing"
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086
    apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing >/dev/null && exit 0
fi
echo "not installed, their tests will be skipped:$missing" >&2
exit 0
