# For both: calls `fail` of whoever reads this.
# wait_for WHAT COMMAND...: until the command succeeds. Emulation is slow, and
# the host may be busy.
wait_for() {
    local what=$1 end=$((SECONDS + 60))
    shift
    until "$@"; do
        ((SECONDS < end)) || fail "$what: not within a minute"
        sleep 0.2
    done
}
