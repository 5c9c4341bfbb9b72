#!/bin/sh
# Prints the machines (HOST:PORT...) that serve a release or a later one as servers of an nginx upstream: fresh.sh RELEASE HOST:PORT...
# Exit code 1, and nothing to include, if none does: what was in service stays so.
release=$1
shift
found=
for server in "$@"; do
    if curl -fso /dev/null --max-time 5 "http://$server/health?release=$release"; then
        found="${found}server $server max_fails=1 fail_timeout=5s;
"
    fi
done
[ -n "$found" ] || exit 1
printf %s "$found"
