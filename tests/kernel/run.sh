#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Power cuts and I/O errors with a real kernel, outside of CI because they take long. Boots user-mode-linux on this
# machine's own root, with disks in memory; needs no privilege but to install packages. README.md says what was found.
#
#   tests/kernel/run.sh cuts [-C BUILD] [-f FS]... [-s SEED] [-n RUNS] [-b SECONDS] [-i IMAGES] [-l SECONDS] [-w SECONDS]
#                            [-k SKIP] [-u SUBSETS] [-t THREADS]
#     records a load on dm-log-writes, then mounts and checks images that a power cut could have left
#       -f FS        ext4, xfs or btrfs; default: all three
#       -s SEED      of the first run, default 1; the next run adds 1
#       -n RUNS      for each file system, default 1
#       -b SECONDS   to spend on images of one run, default 300      -i IMAGES    at most, default 100000
#       -l SECONDS   how long the load runs, default 2               -w SECONDS   and before the recording begins, default
#                    0 for odd seeds (so that creating the store is recorded too), 1 for even ones
#       -k SKIP      of 256 images leave so many out, default 0      -u SUBSETS   images per flush with writes dropped, 2
#       -t THREADS   of the load, default 4
#   tests/kernel/run.sh errors [-C BUILD] [-f FS]... [-m MODE]... [-s SEED] [-n RUNS] [-t THREADS]
#     a load on a disk that begins to fail at some moment, and is healed later; what is left is checked
#       -m MODE      flakey: writes and flushes fail (dm-flakey); writes: writes fail (nbdkit); reads: reads fail (nbdkit);
#                    syncs: writes are taken and lost, only the next flush fails (nbdkit above dm-flakey); default: all
#   -C BUILD   build folder, default: build in the checkout
#   -K         keep every run's folder, not only those of failed runs
# JZSE_KERNEL_DIR is where disks and ledgers are, default /dev/shm. The last line is "N passed, N failed" (images or
# checks); the exit code is 0 only if something ran and nothing failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. examples/packages.sh

usage() { sed -n '3,25s/^# \{0,1\}//p' tests/kernel/run.sh >&2; exit 2; }
[ $# -gt 0 ] || usage
task=$1
shift
build=build systems=() modes=() seed=1 runs=1 budget=300 images=100000 seconds=2 warm='' skip=0 subsets=2 threads=4 keep=
while getopts 'C:f:s:n:b:i:l:w:k:u:t:m:K' option; do
  case $option in
    C) build=$OPTARG ;; f) systems+=("$OPTARG") ;; s) seed=$OPTARG ;; n) runs=$OPTARG ;; b) budget=$OPTARG ;;
    i) images=$OPTARG ;; l) seconds=$OPTARG ;; w) warm=$OPTARG ;; k) skip=$OPTARG ;; u) subsets=$OPTARG ;;
    t) threads=$OPTARG ;; m) modes+=("$OPTARG") ;; K) keep=1 ;; *) usage ;;
  esac
done
[ ${#systems[@]} -gt 0 ] || systems=(ext4 xfs btrfs)
[ ${#modes[@]} -gt 0 ] || modes=(flakey writes reads syncs)
install_packages "${BUILD_PACKAGES[@]}" "${KERNEL_PACKAGES[@]}"
[ -f "$build/build.ninja" ] || CC=$(compiler_words gcc) CXX=$(compiler_words g++) \
  meson setup "$build" --wrap-mode=nodownload </dev/null
ninja -C "$build" tests/kernel/kernel_worker tests/e2e/kill9_worker </dev/null
build=$(cd "$build" && pwd)
place=${JZSE_KERNEL_DIR:-/dev/shm}

# make_file_system FS FILE
make_file_system() {
  case $1 in
    ext4) truncate -s 160M "$2" && mkfs.ext4 -q -E nodiscard,lazy_itable_init=0 "$2" ;;
    xfs) truncate -s 320M "$2" && mkfs.xfs -q -K "$2" ;;
    btrfs) truncate -s 320M "$2" && mkfs.btrfs -q -K "$2" ;;
    *) usage ;;
  esac
}

# boot FOLDER SECONDS DISK...: runs guest.sh; what the kernel itself says goes to FOLDER/console.
boot() {
  local work=$1 limit=$2 disks=() n=0
  shift 2
  for disk in "$@"; do disks+=("ubd$n=$disk"); n=$((n + 1)); done
  mkfifo "$work/input"  # the console wants one that neither ends nor is a terminal
  TMPDIR=$place timeout "$limit" linux.uml mem=768M root=/dev/root rootfstype=hostfs rootflags=/ \
    rw quiet con=null con0=null,fd:1 "init=$PWD/tests/kernel/guest.sh" "JZSE_WORK=$work" "${disks[@]}" \
    <>"$work/input" >"$work/console" 2>&1 || true
}

passed=0 failed=0
# What a run said: its last count, and whether it ended as it should.
count() {
  local work=$1 name=$2 ran bad
  ran=$(sed -nE 's/^([0-9]+) (images|right), .*/\1/p' "$work/said" | tail -n 1)
  bad=$(sed -nE 's/^[0-9]+ (images|right), ([0-9]+) (failed|wrong).*/\2/p' "$work/said" | tail -n 1)
  if ! grep -q '^guest: done' "$work/said" && [ "${bad:-0}" = 0 ]; then
    bad=$((${bad:-0} + 1))
    tail -n 20 "$work/said" "$work/console"
  fi
  ran=${ran:-0} bad=${bad:-0}
  grep -E '^(FAILED|WRONG|problem|acknowledged .* first)|images,| right,|stopped writing' "$work/said" | sed "s/^/$name: /"
  grep -q ' images,' "$work/said" && ran=$((ran - (bad < ran ? bad : ran)))
  passed=$((passed + ran)) failed=$((failed + bad))
  if [ "$bad" = 0 ] && [ -z "$keep" ]; then rm -rf "$work"; else echo "$name: kept $work"; fi
}

run_cuts() {
  local fs=$1 seed=$2 work
  work=$(mktemp -d "$place/jzse-cuts-$fs-$seed-XXXX")
  make_file_system "$fs" "$work/disk"
  cp --sparse=always "$work/disk" "$work/base"
  truncate -s 3G "$work/log"
  cat >"$work/task" <<TASK
TASK=cuts FS=$fs SEED=$seed THREADS=$threads SECONDS_OF_LOAD=$seconds WARM=${warm:-$((1 - seed % 2))}
SUBSETS=$subsets SKIP=$skip BUDGET=$budget IMAGES=$images
WORKER=$build/tests/kernel/kernel_worker KILL9_WORKER=$build/tests/e2e/kill9_worker
TASK
  boot "$work" $((budget + 240)) "$work/disk" "$work/log" "$work/base"
  count "$work" "$fs seed $seed"
}

run_errors() {
  local fs=$1 mode=$2 seed=$3 work
  work=$(mktemp -d "$place/jzse-errors-$fs-$mode-$seed-XXXX")
  make_file_system "$fs" "$work/disk"
  cat >"$work/task" <<TASK
TASK=errors FS=$fs MODE=$mode SEED=$seed THREADS=$threads
WORKER=$build/tests/kernel/kernel_worker KILL9_WORKER=$build/tests/e2e/kill9_worker
TASK
  boot "$work" 600 "$work/disk"
  count "$work" "$fs $mode seed $seed"
}

case $task in
  errors)
    for ((run = 0; run < runs; ++run)); do
      for fs in "${systems[@]}"; do
        for mode in "${modes[@]}"; do run_errors "$fs" "$mode" $((seed + run)); done
      done
    done ;;
  cuts)
    for ((run = 0; run < runs; ++run)); do
      for fs in "${systems[@]}"; do run_cuts "$fs" $((seed + run)); done
    done ;;
  *) usage ;;
esac
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
