# What is tested in the guest: the loaded program frame by frame, then a life
# of the real one between two network namespaces. Ends with 0 if all is well;
# the last line says what is not.
set -u
share=$1
uname -r >"$share/uname"

# The share is slow, and the host may build anew while this runs.
# Not to /run/synguard: that is the folder of synguard's locks.
synguard=/run/synguard-program
cp "$share/synguard" "$synguard"
cp "$share/tests" /run/tests
first=$share/attach-first.log
second=$share/attach-second.log
third=$share/attach-third.log

fail() {
    tail -n 20 "$first" "$second" "$third" 2>/dev/null
    in_b "$synguard" status
    echo "FAILED: $*"
    exit 1
}

in_a() { nsenter --net=/run/netns/A "$@"; }
in_b() { nsenter --net=/run/netns/B "$@"; }

. "$share/wait.sh"

# The story's kind of SYN: a spoofed source, always from port 80, to mail.
offender=5.39.90.132
flood() {
    in_a timeout 60 hping3 -q -S -s 80 -k -p 25 -a "$offender" -i u1000 -c "$1" 10.99.0.2 \
        >/dev/null 2>&1
}

status_says() { in_b "$synguard" status vb 2>&1 | grep -q -- "$1"; }
log_says() { grep -q -- "$2" "$1"; }
dropped() { in_b "$synguard" status vb | sed -n 's/.* SYNs (.*, \([0-9]*\) dropped.*/\1/p'; }
dropped_at_least() {
    local now
    now=$(dropped)
    ((${now:-0} >= $1))
}

# All SYNs of a banned source are dropped, whoever is or is not running.
ban_holds() {
    local before
    before=$(dropped)
    [ -n "$before" ] || fail "$1: status does not say how many were dropped"
    flood 40
    wait_for "$1: the ban drops 40 more than $before" dropped_at_least $((before + 40))
}

lay_link() {
    ip netns add A && ip netns add B &&
        ip link add va netns A type veth peer name vb netns B &&
        ip -n A addr add 10.99.0.1/24 dev va && ip -n B addr add 10.99.0.2/24 dev vb &&
        ip -n A link set va up && ip -n B link set vb up && ip -n B link set lo up &&
        ip -n B route add default via 10.99.0.1
}

# attach LOG: not by in_b, so that $controller is no shell but what nsenter
# becomes: synguard itself.
attach() {
    nsenter --net=/run/netns/B "$synguard" attach vb >"$1" 2>&1 &
    controller=$!
}

/run/tests --test-threads 1 --skip differential || {
    echo "FAILED: tests of the loaded program"
    exit 1
}

lay_link || fail "the link between two namespaces"
attach "$first"
wait_for "attach" log_says "$first" "attached to vb"
flood 500
wait_for "a flood is promoted" log_says "$first" "promoted $offender"
wait_for "the ban is in the status" status_says "^  $offender .* automatic"
ban_holds "with the controller"

kill -9 "$controller"
wait "$controller" 2>/dev/null
wait_for "status without a controller" status_says "no controller"
ban_holds "without a controller"

attach "$second"
wait_for "take-over" log_says "$second" "took over the running filter"
wait_for "the ban survives the take-over" status_says "^  $offender .* automatic"
ban_holds "after the take-over"

# The clock is stepped under the controller: bans are kept by the kernel's ticks.
seconds_left() {
    in_b "$synguard" list vb --json | grep -A 6 "\"prefix\": \"$offender\"" |
        sed -n 's/.*"expires_in_seconds": \([0-9]*\).*/\1/p'
}
# Not SECONDS, which is of the clock that is set.
uptime() { cut --delimiter . --fields 1 /proc/uptime; }
# ends_as_before WHEN: it ends neither sooner, but for the time that has passed, nor later.
ends_as_before() {
    local now
    now=$(seconds_left)
    ((now > 0 && now <= left && now > left - ($(uptime) - since) - 5)) ||
        fail "$1: the ban ends in ${now:-?} s, it was $left s"
}
left=$(seconds_left) since=$(uptime)
[ -n "$left" ] || fail "the list does not say when the ban ends"
for step in "+1 day" "-2 days" "1970-01-02" "@$(date +%s)"; do
    date --set "$step" >/dev/null || fail "the clock cannot be set"
    ban_holds "after the clock was set by $step"
    ends_as_before "after the clock was set by $step"
done
grep -i "panic\|error" "$second" && fail "the controller minds that the clock is stepped"

kill -TERM "$controller"
wait "$controller"
code=$?
((code == 0)) || fail "SIGTERM: attach ended with $code"
in_b "$synguard" status vb
code=$?
((code == 3)) || fail "SIGTERM: status ended with $code, not with 3 (not attached)"
if ip -n B link show vb | grep xdp; then
    fail "SIGTERM: the program is still on the link"
fi
# Whoever attaches next goes on with its bans, also by a clock that was set back meanwhile.
date --set "-3 days" >/dev/null || fail "the clock cannot be set"
attach "$third"
wait_for "what was saved" log_says "$third" "brought back 1 ban"
ban_holds "after the clock was set back"
# By such a clock nobody knows what has passed since it was saved.
now=$(seconds_left)
((now > 0 && now <= 600)) || fail "after the clock was set back: the ban ends in ${now:-?} s"
date --set "+3 days" >/dev/null || fail "the clock cannot be set"
kill -TERM "$controller"
wait "$controller"

# What comes next begins without.
in_b "$synguard" detach vb || fail "detach: what was saved is not forgotten"

echo "the lifecycle is as it should be"
