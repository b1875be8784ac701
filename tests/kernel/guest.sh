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

"$TASK"
off 'failed: no such task'
