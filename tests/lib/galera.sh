#!/bin/bash
# A private Galera cluster of three nodes:
#
#	galera.sh start|stop DIR
#	galera.sh kill|rejoin|isolate|heal DIR NODE
#
# Node N lives in DIR/nN, with the socket DIR/nN/mysql.sock. It listens at
# loopback alone, at an address of its own: the Nth of the network that is in
# the file DIR/network, with the usual ports. Started by root it runs as
# $DTR_TEST_USER (default nobody), who is its superuser by socket
# authentication; otherwise as the caller.
#
# start makes a new cluster, and what was stopped is not started again. kill
# is a power cut; rejoin starts a node again and waits until it has what
# it missed. isolate parts a node from the others, as a broken network does,
# and heal mends that; both return at once.
set -eu

verb=${1:?start, stop, kill, rejoin, isolate or heal}
dir=${2:?folder}
user=${DTR_TEST_USER:-nobody}
[ "$(id -u)" = 0 ] || user=$(id -un)
provider=/usr/lib/galera/libgalera_smm.so

run() {
	if [ "$(id -u)" = 0 ]; then
		setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups "$@"
	else
		"$@"
	fi
}

ask() { # NODE SQL
	run mariadb --no-defaults -N -B --connect-timeout=2 -S "$dir/n$1/mysql.sock" -u "$user" -e "$2"
}

fail() {
	echo "galera.sh: $1" >&2
	[ -z "${2:-}" ] || tail -5 "$dir/n$2/mariadbd.log" >&2
	exit 1
}

# a process that ended but was not waited for is a zombie
lives() { # PID
	[ -n "$(tr -d '\0' 2> /dev/null < "/proc/$1/cmdline")" ]
}

end() { # NODE SIGNAL
	local pid file=$dir/n$1/mariadbd.pid
	[ -s "$file" ] || return 0
	pid=$(cat "$file")
	kill "-$2" "$pid" 2> /dev/null || true
	for _ in $(seq 300); do
		lives "$pid" || break
		sleep 0.1
	done
	! lives "$pid" || kill -KILL "$pid" 2> /dev/null || true
	# the number may be another's soon
	rm -f "$file"
}

# Nobody else has it while this process lives, and later nearly nobody.
choose_network() {
	local pid=$$
	echo "127.$((64 + pid / 250 % 190)).$((1 + pid % 250))" > "$dir/network"
}

make_defaults() { # NODE
	local node=$dir/n$1 net
	net=$(cat "$dir/network")
	# a node that stands still is missed after two seconds instead of five,
	# and a read waits five instead of thirty for a node that lags behind
	cat > "$node/my.cnf" <<-X
	[mariadbd]
	datadir=$node/data
	socket=$node/mysql.sock
	pid-file=$node/mariadbd.pid
	log-error=$node/mariadbd.log
	tmpdir=$node/tmp
	bind-address=$net.$1
	skip-name-resolve
	character-set-server=utf8mb4
	collation-server=utf8mb4_bin
	binlog-format=ROW
	innodb-autoinc-lock-mode=2
	innodb-buffer-pool-size=${DTR_TEST_BUFFER_POOL:-32M}
	innodb-log-file-size=16M
	innodb-flush-log-at-trx-commit=1
	performance-schema=off
	max-connections=${DTR_TEST_CONNECTIONS:-400}
	wsrep-on=ON
	wsrep-provider=$provider
	wsrep-cluster-name=dtr_test
	wsrep-cluster-address=gcomm://$net.1,$net.2,$net.3
	wsrep-node-name=n$1
	wsrep-node-address=$net.$1
	wsrep-node-incoming-address=$net.$1
	wsrep-sst-method=rsync
	wsrep-slave-threads=2
	wsrep-retry-autocommit=1
	wsrep-provider-options="gmcast.listen_addr=tcp://$net.$1;ist.recv_addr=$net.$1;gcache.size=64M;evs.keepalive_period=PT0.3S;evs.inactive_check_period=PT0.3S;evs.suspect_timeout=PT2S;evs.inactive_timeout=PT4S;pc.wait_prim_timeout=PT15S;repl.causal_read_timeout=PT5S"
	X
}

make_nodes() {
	local n
	for n in 1 2 3; do
		mkdir -p "$dir/n$n/tmp"
		make_defaults $n
		[ "$(id -u)" != 0 ] || chown -R "$user" "$dir/n$n"
	done
	TMPDIR=$dir/n1/tmp run mariadb-install-db --no-defaults --datadir="$dir/n1/data" \
		--auth-root-authentication-method=socket --innodb-log-file-size=16M \
		--auth-root-socket-user="$user" --skip-test-db > "$dir/n1/install.log" 2>&1 ||
		fail "$(grep -m 5 -iE "error|cannot|can't" "$dir/n1/install.log" || tail -5 "$dir/n1/install.log")"
	# the others begin as copies of a cluster of one: nothing has to be sent
	bring_up 1 --wsrep-new-cluster
	end 1 TERM
	for n in 2 3; do
		run cp -a --sparse=always "$dir/n1/data" "$dir/n$n/data"
	done
}

launch() { # NODE OPTION...
	local node=$dir/n$1 place=
	shift
	# after a crash: how far it had come
	if grep -qs 'seqno: *-1' "$node/data/grastate.dat"; then
		run mariadbd --defaults-file="$node/my.cnf" --wsrep-recover \
			--log-error="$node/recover.log" > /dev/null 2>&1 < /dev/null || true
		place=$(sed -n 's/.*Recovered position: *//p' "$node/recover.log" | tail -1)
	fi
	run setsid mariadbd --defaults-file="$node/my.cnf" \
		${place:+--wsrep-start-position="$place"} "$@" < /dev/null > /dev/null 2>&1 &
	launched=$!
}

is_synced() { # NODE
	[ "$(ask "$1" "SHOW STATUS LIKE 'wsrep_local_state_comment'" 2> /dev/null | cut -f2)" = Synced ]
}

# On a busy machine a node may not find the others in time, and ends.
bring_up() { # NODE OPTION...
	local try
	for try in 1 2 3 4; do
		launch "$@"
		for _ in $(seq 1200); do
			! is_synced "$1" || return 0
			kill -0 "$launched" 2> /dev/null || break
			sleep 0.1
		done
		echo "galera.sh: node $1 has not joined the others in try $try" >&2
		end "$1" KILL
	done
	fail "node $1 does not join the others" "$1"
}

start() {
	local n
	[ "${#dir}" -le 92 ] || fail "path \"$dir\" is too long for a socket"
	[ ! -e "$dir/network" ] || fail "\"$dir\" has a cluster already"
	mkdir -p "$dir"
	choose_network
	make_nodes
	bring_up 1 --wsrep-new-cluster
	bring_up 2
	bring_up 3
}

stop() {
	local n
	for n in 3 2 1; do
		end $n TERM
	done
}

# as a broken network does: it and the others do not hear each other
set_isolated() { # NODE 0|1
	ask "$1" "SET GLOBAL wsrep_provider_options = 'gmcast.isolate=$2'"
}

node() {
	case ${1:-} in
	[123]) ;;
	*) fail "which node? 1, 2 or 3" ;;
	esac
}

case $verb in
start) start ;;
stop) stop ;;
kill | rejoin | isolate | heal) node "${3:-}" ;;&
kill) end "$3" KILL ;;
rejoin) bring_up "$3" ;;
isolate) set_isolated "$3" 1 ;;
heal) set_isolated "$3" 0 ;;
*)
	echo "usage: galera.sh start|stop DIR; galera.sh kill|rejoin|isolate|heal DIR NODE" >&2
	exit 2
	;;
esac
