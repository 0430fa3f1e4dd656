# Second in the guest: what a booted system has, then the cases, then the end.
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/shm /dev/pts
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /dev/shm
mount -t devpts devpts /dev/pts
mount -t cgroup2 cgroup2 /sys/fs/cgroup
ln -sfn /proc/self/fd /dev/fd
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/root TMPDIR=/run NO_COLOR=1
ip link set lo up

share=/synguard-guest
# Renamed, so that whoever finds it finds it whole.
finish() {
    echo "$1" >"$share/status.new"
    mv "$share/status.new" "$share/status"
    sync
    echo o >/proc/sysrq-trigger
    sleep 60
}

bash "$share/cases.sh" "$share" >"$share/log" 2>&1 || finish $?

# Then the package, under the real systemd and without what the host would start:
# its root is read over 9p, slowly.
rm -rf /{etc,lib}/systemd/system/{sysinit,basic,local-fs,paths,sockets,timers}.target.wants
: >/etc/fstab
mkdir -p /run/systemd/system
cat >/run/systemd/system/synguard-guest.service <<EOF
[Unit]
DefaultDependencies=no
Requires=systemd-journald.socket
After=systemd-journald.socket
[Service]
Type=oneshot
ExecStart=/bin/bash $share/package.sh $share
StandardOutput=append:$share/log
StandardError=append:$share/log
ExecStopPost=/bin/bash -c 'source $share/finish.sh'
EOF
cat >"$share/finish.sh" <<EOF
share=$share
$(declare -f finish)
finish "\${EXIT_STATUS:-1}"
EOF
exec /lib/systemd/systemd --unit=synguard-guest.service
