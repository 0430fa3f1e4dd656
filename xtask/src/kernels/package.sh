# The Debian package under systemd: installed, started, used, upgraded, purged.
set -u
share=$1
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export NO_COLOR=1
unit=synguard@vb.service
package=$share/synguard.deb
# With another map layout.
next=$share/synguard-next.deb
offender=5.39.90.132

fail() {
    journalctl --no-pager --lines 20 --unit "$unit"
    synguard status
    echo "FAILED: the package: $*"
    exit 1
}

. "$share/wait.sh"

# Triggers would read every manual page of the host, slowly.
install() { dpkg --install --no-triggers "$1" || fail "$1 cannot be installed"; }
main_pid() { systemctl show --value --property MainPID "$unit"; }
is_active() { systemctl --quiet is-active "$unit"; }
is_another() { is_active && [ "$(main_pid)" != "$1" ] && [ "$(main_pid)" != 0 ]; }
shows() { curl -q --noproxy '*' --silent http://127.0.0.1:9788/metrics | grep -q "$1"; }
is_banned() { synguard status vb 2>&1 | grep -q "^  $offender .* automatic"; }
flood() {
    nsenter --net=/run/netns/P timeout 60 hping3 -q -S -s 80 -k -p 25 -a "$offender" \
        -i u1000 -c 500 10.98.0.2 >/dev/null 2>&1
}

ip netns add P && ip link add vp netns P type veth peer name vb &&
    ip -n P addr add 10.98.0.1/24 dev vp && ip addr add 10.98.0.2/24 dev vb &&
    ip -n P link set vp up && ip link set vb up || fail "the link"
# Emulation is slow; and the unit's own half minute would be waited out below.
mkdir -p "/run/systemd/system/$unit.d"
printf '[Service]\nTimeoutStartSec=300\nWatchdogSec=10\n' \
    >"/run/systemd/system/$unit.d/test.conf"

install "$package"
synguard --version
is_active && fail "it starts without being told to"
for shipped in prometheus/synguard.rules.yml grafana/synguard.json; do
    [ -s "/usr/share/synguard/$shipped" ] || fail "$shipped is not in it"
done
# What others are told passes the unit's restrictions.
cat >/usr/local/bin/tell <<'HOOK'
#!/bin/sh
{ cat && grep ^Cap /proc/self/status; } >>/var/lib/synguard/told
HOOK
chmod +x /usr/local/bin/tell
cat >>/etc/synguard/synguard.toml <<'CONFIGURATION'
metrics = 9788
events = "/var/log/synguard/events.jsonl"
on-event = "/usr/local/bin/tell"
CONFIGURATION
systemctl start "$unit" || fail "it does not start"
for set in CapBnd CapEff; do
    # What the unit names: net_admin, sys_ptrace, sys_admin, perfmon and bpf.
    grep -q "^$set:.*000000c000281000$" "/proc/$(main_pid)/status" ||
        fail "other capabilities: $(grep Cap "/proc/$(main_pid)/status")"
done
flood
wait_for "a ban" is_banned
wait_for "an event" grep -q '"event":"promoted"' /var/log/synguard/events.jsonl
wait_for "the hook" grep -q '"event":"promoted"' /var/lib/synguard/told
grep '^Cap\(Prm\|Eff\)' /var/lib/synguard/told | grep -qv '0000000000000000$' &&
    fail "the hook has capabilities"
wait_for "metrics" shows '^synguard_bans{interface="vb",class="reflection"} 1'
is_logged() { journalctl --unit "$unit" --output cat PRIORITY=6 | grep -q "^vb: promoted $offender "; }
wait_for "the priority in the journal" is_logged

first=$(main_pid)
kill -9 "$first"
wait_for "a restart after a crash" is_another "$first"
wait_for "the ban survives a crash" is_banned

second=$(main_pid)
kill -STOP "$second"
wait_for "a restart after a hang" is_another "$second"
wait_for "the ban survives a hang" is_banned

for version in "$next" "$package"; do
    third=$(main_pid)
    before=$(synguard --version)
    install "$version"
    [ "$(synguard --version)" != "$before" ] || fail "$version is the same program"
    wait_for "a restart by $version" is_another "$third"
    wait_for "the ban survives $version" is_banned
done

systemctl reload "$unit" || fail "it does not reload"
is_banned || fail "the ban does not survive a reload"

systemctl stop "$unit" || fail "it does not stop"
is_banned || fail "the filter went with the service"

# The other unit takes over, and waits for an interface that is deleted and made again.
unit=synguard.service
mkdir -p "/run/systemd/system/$unit.d"
printf '[Service]\nTimeoutStartSec=300\n' >"/run/systemd/system/$unit.d/test.conf"
systemctl daemon-reload
systemctl start "$unit" && fail "it starts without an interface"
printf 'interfaces = ["vb", "nosuch*"]\n' >>/etc/synguard/synguard.toml
systemctl start "$unit" || fail "the plain unit does not start"
is_banned || fail "the ban does not survive the plain unit"
says() { systemctl show --value --property StatusText "$unit" | grep -q "$1"; }
says "filtering vb" || fail "its status is another one"
ip link delete vb
wait_for "waiting for the interface" says "waiting for vb"
ip link add vp netns P type veth peer name vb && ip link set vb up
wait_for "filtering it again" says "filtering vb$"
is_banned || fail "the ban went with the interface"
systemctl reload "$unit" || fail "the plain unit does not reload"
systemctl stop "$unit" || fail "the plain unit does not stop"

dpkg --purge --no-triggers synguard || fail "it cannot be purged"
ip link show vb | grep xdp && fail "the filter is left"
for left in /usr/bin/synguard /etc/synguard /var/lib/synguard /var/log/synguard /usr/lib/systemd/system/synguard@.service \
    /usr/lib/systemd/system/synguard.service.d /usr/lib/systemd/system/synguard@.service.d /sys/fs/bpf/synguard/vb; do
    [ ! -e "$left" ] || fail "$left is left"
done
echo "the package is as it should be"
