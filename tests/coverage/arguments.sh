# SPDX-License-Identifier: Apache-2.0
# What lines.sh and branches.sh take from the command line, for `source`: sets build, suites, run and keep, and goes to the
# checkout. Before it: build, the default folder, and default_suites.
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. examples/packages.sh

suites=() run=yes keep=
while getopts 'C:s:kn' option; do
  case $option in
    C) build=$OPTARG ;;
    s) suites+=(--suite "$OPTARG") ;;
    k) keep=yes ;;
    n) run= ;;
    *) sed -n '6,10s/^# *//p' "tests/coverage/${0##*/}" >&2; exit 2 ;;
  esac
done
[ ${#suites[@]} -gt 0 ] || suites=("${default_suites[@]/#/--suite=}")

install_packages "${BUILD_PACKAGES[@]}" "${TEST_PACKAGES[@]}" "${COVERAGE_PACKAGES[@]}"
