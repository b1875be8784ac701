#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs a program so that its counters, and those of its children, end in $COUNTS/NAME.*.profraw: counted.sh PROGRAM [ARGUMENT]...
# What an earlier run left there is added to, unless the program was built since then. A pool of its own for each program, because
# the signature by which LLVM tells programs apart (%m) is often the same for two of them, or before and after a change.
name=$(basename "$1")
find "$COUNTS" -maxdepth 1 -name "$name.*.profraw" ! -newer "$1" -delete
export LLVM_PROFILE_FILE="$COUNTS/$name.%m.profraw"
exec "$@"
