#!/bin/bash
# A private MariaDB: mariadb.sh start|stop DIR
#
# Its own folder, unix socket DIR/mysql.sock, durable commits, no TCP port.
# Started by root it runs as $DTR_TEST_USER (default nobody), who is its
# superuser by socket authentication; otherwise as the caller.
# $DTR_TEST_DB_OPTION is one more line of its configuration.
set -eu

verb=${1:?start or stop}
dir=${2:?folder}
user=${DTR_TEST_USER:-nobody}
[ "$(id -u)" = 0 ] || user=$(id -un)

run() {
	if [ "$(id -u)" = 0 ]; then
		setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups "$@"
	else
		"$@"
	fi
}

make_defaults() {
	cat > "$dir/my.cnf" <<-X
	[mariadbd]
	datadir=$dir/data
	socket=$dir/mysql.sock
	pid-file=$dir/mariadbd.pid
	log-error=$dir/mariadbd.log
	tmpdir=$dir/tmp
	skip-networking
	skip-name-resolve
	character-set-server=utf8mb4
	collation-server=utf8mb4_bin
	innodb-buffer-pool-size=${DTR_TEST_BUFFER_POOL:-64M}
	innodb-log-file-size=32M
	innodb-flush-log-at-trx-commit=1
	performance-schema=off
	max-connections=${DTR_TEST_CONNECTIONS:-400}
	${DTR_TEST_DB_OPTION:-}
	X
}

start() {
	if [ "${#dir}" -gt 95 ]; then
		echo "mariadb.sh: path \"$dir\" is too long for a socket" >&2
		exit 1
	fi
	mkdir -p "$dir/tmp"
	make_defaults
	[ "$(id -u)" != 0 ] || chown -R "$user" "$dir"
	if [ ! -d "$dir/data/mysql" ]; then
		# at its start a server removes the temporary tables of any other in that folder
		TMPDIR=$dir/tmp run mariadb-install-db --no-defaults --datadir="$dir/data" \
			--auth-root-authentication-method=socket \
			--auth-root-socket-user="$user" --skip-test-db > "$dir/install.log" 2>&1 || {
			tail -5 "$dir/install.log" >&2
			exit 1
		}
	fi
	run setsid mariadbd --defaults-file="$dir/my.cnf" < /dev/null > /dev/null 2>&1 &
	for _ in $(seq 900); do
		if run mariadb --no-defaults -S "$dir/mysql.sock" -u "$user" \
			-e 'SELECT 1' > /dev/null 2>&1; then
			return 0
		fi
		sleep 0.1
	done
	tail -5 "$dir/mariadbd.log" >&2
	exit 1
}

# a process that ended but was not waited for is a zombie
lives() { # PID
	[ -n "$(tr -d '\0' 2> /dev/null < "/proc/$1/cmdline")" ]
}

stop() {
	[ -s "$dir/mariadbd.pid" ] || return 0
	pid=$(cat "$dir/mariadbd.pid")
	kill "${2:--TERM}" "$pid" 2> /dev/null || return 0
	for _ in $(seq 300); do
		lives "$pid" || return 0
		sleep 0.1
	done
	kill -KILL "$pid" 2> /dev/null || true
}

case $verb in
start) start ;;
stop) stop "$dir" ;;
kill) stop "$dir" -KILL ;;
*)
	echo "usage: mariadb.sh start|stop|kill DIR" >&2
	exit 2
	;;
esac
