#!/bin/busybox sh
# First in the guest: makes the host's root the guest's, below a layer in
# memory that takes every write.
b=/bin/busybox
$b mount -t proc proc /proc
$b mount -t sysfs sysfs /sys
$b mount -t devtmpfs devtmpfs /dev
while read -r module; do
    $b insmod "/modules/$module"
done </modules/order

# The host does not write to what the guest reads: it may be cached.
$b mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=512000 root /host
$b mkdir /layer
$b mount -t tmpfs tmpfs /layer
$b mkdir /layer/upper /layer/work
$b mount -t overlay -o lowerdir=/host,upperdir=/layer/upper,workdir=/layer/work overlay /root

$b mkdir -p /root/synguard-guest
$b mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000 share /root/synguard-guest
exec $b switch_root /root /bin/bash /synguard-guest/stage.sh
