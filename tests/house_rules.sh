#!/bin/sh
# house_rules.sh - rules of this tree that no compiler knows; each says why. Prints what breaks one and fails.
set -u
cd "$(dirname "$0")/.." || exit 1
status=0

# forbid WHY PATTERN FILES... - no line of the files may match.
forbid() {
	why=$1 pattern=$2
	shift 2
	found=$(git grep -nE -e "$pattern" -- "$@" | head -n 20)
	[ -z "$found" ] && return
	printf '%s:\n%s\n' "$why" "$found"
	status=1
}

# seam HEADER FILES... - a library's header appears only in the files that are its seam.
seam() {
	header=$1
	shift
	found=$(git grep -lE "#include <$header" -- services fingerprintd api)
	for file in $found; do
		case " $* " in *" $file "*) continue ;; esac
		echo "$file includes <$header>: its seam is $*"
		status=1
	done
}

sources='services/*.c services/*.h fingerprintd/*.c fingerprintd/*.h api/*.c api/*.h'
# shellcheck disable=SC2086
{
	forbid "functions that write past an end or hide errors" '[^_a-z](strcpy|strcat|sprintf|vsprintf|gets|atoi|atol|strtok|alloca)\(' $sources
	forbid "randomness that can be guessed" '[^_a-z](rand|srand|random|drand48)\(' $sources
	forbid "the wall clock outside base/clock" '[^_a-z](time|gettimeofday|clock_gettime)\(' $sources ':!services/lib/base/clock.c' ':!services/lib/base/log.c' ':!services/lib/daemon/events.c'
	forbid "a shell from C" '[^_a-z](system|popen)\(' $sources
	forbid "a typedef of a struct" 'typedef struct [a-z_]* *[{a-z]' $sources ':!services/lib/daemon/bus.h'
	forbid "work left undone" 'TODO|FIXME|[^X]XXX[^X]' $sources tests docker ':!tests/house_rules.sh'
}
forbid "base knows nothing above itself" '#include "(wire|daemon|relaytrap|proxytrap|webtrap|courier|logship|fingerprintd|api)/' services/lib/base
forbid "wire does no I/O" '#include "(daemon|relaytrap|proxytrap|webtrap|courier|logship|fingerprintd|api)/' services/lib/wire
forbid "wire does no I/O" '#include <(sys/socket|netdb|poll|fcntl)' services/lib/wire
forbid "daemon knows no service" '#include "(relaytrap|proxytrap|webtrap|courier|logship|fingerprintd|api)/' services/lib/daemon
forbid "one machine's paths" '/(work|root|home)/[a-z]' . ':!tests/house_rules.sh'

seam pcap fingerprintd/netio_pcap.c
seam dumbnet.h fingerprintd/netio_pcap.c
seam microhttpd.h api/http.c
seam curl services/courier/send.c
seam ares.h services/courier/resolve.c
seam sqlite3.h api/model.c api/model_read.c api/model_internal.h
seam seccomp.h services/lib/daemon/sandbox.c
seam openssl services/lib/wire/identity.c services/lib/wire/tls_hello.c services/lib/wire/token.c services/lib/daemon/tls.c services/relaytrap/certs.c services/relaytrap/store.c services/logship/sink_maildir.c api/raw_mail.c api/tokens.c

for part in services/webtrap services/proxytrap services/relaytrap services/courier services/logship fingerprintd api; do
	[ -f "$part/README.md" ] || { echo "$part has no README.md"; status=1; }
done
exit $status
