#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The first and only process of the kernel under test, started by run.sh: does the task that $JZSE_WORK/task describes,
# writes what it has to say to $JZSE_WORK/said, and switches the machine off. The root is the host's, so nothing outside
# of $JZSE_WORK and of file systems mounted here may be written to.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /mnt
mkdir /mnt/work
mount -t hostfs -o "$JZSE_WORK" hostfs /mnt/work  # it may be below /dev, which is not the host's here
work=/mnt/work
exec >"$work/said" 2>&1
. "$work/task"

off() {
  echo "guest: $1"
  dmesg | grep -E 'error|Error|BUG|Oops|panic|corrupt' | tail -20
  sync
  echo o >/proc/sysrq-trigger
  sleep 60
}
must() { "$@" || off "failed: $*"; }

for module in md/dm-mod md/dm-bufio md/dm-log-writes md/dm-snapshot md/dm-flakey block/nbd; do
  must insmod "/usr/lib/uml/modules/$(uname -r)/kernel/drivers/$module.ko"
done
mknod_scratch() { must insmod "/usr/lib/uml/modules/$(uname -r)/kernel/drivers/block/brd.ko" rd_nr=1 rd_size=163840; }
mkdir -p /mnt/disk

# A load of that many seconds, killed: load SECONDS WORDS...
load() {
  local seconds=$1
  shift
  "$@" >/mnt/load-said & local pid=$!
  for ((i = 0; i < 600; i++)); do
    grep -q running /mnt/load-said && break
    sleep 0.05
  done
  sleep "$seconds"
  kill -9 "$pid" 2>/dev/null || { cat /mnt/load-said; off 'failed: the load ended by itself'; }
  wait "$pid" 2>/dev/null
}

# Disks: ubda the one that the load works on, ubdb the log, ubdc the copy that images are made from.
cuts() {
  local store=/mnt/disk/store ledgers=$work/ledgers
  mkdir -p "$ledgers" "$work/failures"
  mknod_scratch
  if [ "$WARM" != 0 ]; then
    must mount -t "$FS" /dev/ubda /mnt/disk
    load "$WARM" "$KILL9_WORKER" run "$store" "$ledgers" $((SEED + 500000)) "$THREADS"
    must "$KILL9_WORKER" check "$store" "$ledgers" "$THREADS"
    must umount /mnt/disk
  fi
  must dd if=/dev/ubda of=/dev/ubdc bs=1M status=none
  must dmsetup create recorded --noudevsync --table "0 $(blockdev --getsz /dev/ubda) log-writes /dev/ubda /dev/ubdb"
  must mount -t "$FS" -o noatime /dev/dm-0 /mnt/disk
  load "$SECONDS_OF_LOAD" "$WORKER" run "$store" "$ledgers" "$SEED" "$THREADS" recorded
  must umount /mnt/disk
  must dmsetup remove --noudevsync recorded
  cp -r "$ledgers" "$work/ledgers-recorded"
  "$WORKER" cuts /dev/ubdb /dev/ubdc /dev/ram0 "$FS" "$ledgers" "$work/failures" "$THREADS" "$SEED" "$SUBSETS" \
    "$SKIP" "$BUDGET" "$IMAGES" && off done
  off 'failed: see above'
}

# ---- errors

# nbd0 DISK WORDS...: a block device that nbdkit serves from DISK
nbd0() {
  rm -f /mnt/nbd
  must nbdkit -U /mnt/nbd -P /mnt/nbdkit-pid "$@"
  for ((i = 0; i < 100; i++)); do [ -S /mnt/nbd ] && break; sleep 0.05; done
  must nbd-client -L -unix /mnt/nbd /dev/nbd0 -timeout 60
}
# table TARGET...: what the device mapper's device does from now on
table() {
  must dmsetup load faulty --noudevsync --table "0 $(blockdev --getsz /dev/ubda) $*"
  must dmsetup suspend --noflush --nolockfs --noudevsync faulty
  must dmsetup resume --noudevsync faulty
}
attach() {
  case $MODE in
    flakey | syncs)
      must dmsetup create faulty --noudevsync --table "0 $(blockdev --getsz /dev/ubda) linear /dev/ubda 0"
      device=/dev/dm-0 ;;
  esac
  case $MODE in
    # Takes every write into a cache, loses it when it writes it out, and says so only to a sync, once.
    syncs) nbd0 file /dev/dm-0 ;;
    writes) nbd0 --filter=error file /dev/ubda error-pwrite-rate=100% error-pwrite-file=/mnt/inject \
      error-zero-rate=100% error-zero-file=/mnt/inject ;;
    reads) nbd0 --filter=error file /dev/ubda error-pread-rate=100% error-pread-file=/mnt/inject ;;
    flakey) return ;;
  esac
  device=/dev/nbd0
}
fail() {
  case $MODE in
    flakey | syncs) table flakey /dev/ubda 0 0 1 1 error_writes ;;
    *) touch /mnt/inject ;;
  esac
}
heal() {
  case $MODE in
    flakey | syncs) table linear /dev/ubda 0 ;;
    *) rm /mnt/inject ;;
  esac
}
forget_cached() { echo 3 >/proc/sys/vm/drop_caches; }
check() {
  echo "check: $1"
  if "$KILL9_WORKER" check "$store" "$ledgers" "$THREADS"; then right=$((right + 1)); else wrong=$((wrong + 1)); fi
}

errors() {
  local store=/mnt/disk/store ledgers=$work/ledgers right=0 wrong=0 failing=writes device pid
  mkdir -p "$ledgers"
  attach
  must mount -t "$FS" "$device" /mnt/disk
  # XFS stops reads too once its log cannot be written.
  [ "$FS" = xfs ] && failing=both
  [ "$MODE" = reads ] && failing=reads
  "$WORKER" errors "$store" "$ledgers" "$SEED" "$THREADS" $failing /mnt/stop >/mnt/load-said & pid=$!
  for ((i = 0; i < 600; i++)); do grep -q running /mnt/load-said && break; sleep 0.05; done
  RANDOM=$SEED
  sleep "$((RANDOM % 2)).$((RANDOM % 10))$((RANDOM % 10))"
  [ "$MODE" = reads ] && { sync; forget_cached; }
  fail
  for ((i = 0; i < 10; i++)); do [ "$MODE" = reads ] && forget_cached; sleep 0.1; done
  heal
  sleep 0.7  # a healed disk changes nothing for a store that stopped
  # A disk may lose what a failed flush was about, but does not go on to serve it (docs/architecture.md, 8).
  [ "$MODE" = syncs ] && blockdev --flushbufs /dev/dm-0
  touch /mnt/stop
  if wait "$pid"; then right=$((right + 1)); else wrong=$((wrong + 1)); fi
  cat /mnt/load-said
  if touch /mnt/disk/writable; then
    # The next process finds in the page cache what never reached the disk, and must not build on it.
    check 'reopened, same mount'
    load 0.7 "$KILL9_WORKER" run "$store" "$ledgers" "$SEED" "$THREADS"
    forget_cached
    check 'killed, caches dropped'
  else
    echo 'the file system stopped writing'
  fi
  must umount /mnt/disk
  forget_cached
  must mount -t "$FS" "$device" /mnt/disk
  check 'mounted again'
  must umount /mnt/disk
  echo "$right right, $wrong wrong"
  [ "$wrong" = 0 ] && off done
  off 'failed: see above'
}

"$TASK"
off 'failed: no such task'
