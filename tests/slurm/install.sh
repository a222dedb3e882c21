#!/usr/bin/env bash
# Install SLURM, munge and MariaDB from Debian's packages for the tests in this folder; `install.sh --remove` purges
# what it added. Does nothing, and says so, where one is not root or the system is not Debian.
set -euo pipefail

wanted=(slurmctld slurmd slurm-client slurmdbd munge mariadb-server-core mariadb-client-core)
added=/var/lib/tradeoffs-slurm-packages # what was not there before

if [ "$(id -u)" != 0 ] || ! [ -e /etc/debian_version ] || ! command -v apt-get > /dev/null; then
    echo "SLURM is not installed: this needs root on Debian; the tests in tests/slurm will be skipped" >&2
    exit 0
fi
export DEBIAN_FRONTEND=noninteractive
if [ "${1:-}" = --remove ]; then
    [ -s "$added" ] && xargs apt-get purge -y -qq < "$added" > /dev/null
    rm -f "$added"
    exit 0
fi
missing=()
for package in "${wanted[@]}"; do
    dpkg-query -W -f '${Status}' "$package" 2> /dev/null | grep -q 'install ok installed' || missing+=("$package")
done
[ ${#missing[@]} = 0 ] && exit 0
# Daemons are started by the tests, with a configuration of their own, never by the packages.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' > $policy
    chmod +x $policy
    trap 'rm -f $policy' EXIT
fi
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" > /dev/null
printf '%s\n' "${missing[@]}" >> "$added"
