#!/bin/sh
# The sample files: the programs take the configuration, what it says of
# defaults is true, and systemd takes the units.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
n=0

result()
{
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $2"
	else
		echo "not ok $n - $2"
		sed 's/^/# /' "$work/out"
	fi
}

echo 1..3
sample=${top_srcdir:?}/conf/dtr.conf.sample

"${top_builddir:?}/dtr" --conf "$sample" conf > "$work/out" 2>&1
result $? "the programs take dtr.conf.sample"

# with all defaults written out nothing changes
sed 's/^#\([a-z]*\.[a-z_]* = \)/\1/; s/^#\([a-z]*\.[a-z_]* =\)$/\1/' "$sample" > "$work/full.conf"
: > "$work/node.conf"
grep '^node.external_url' "$sample" > "$work/node.conf"
"${top_builddir:?}/dtr" --conf "$work/full.conf" conf > "$work/full" 2> "$work/out" &&
    "${top_builddir:?}/dtr" --conf "$work/node.conf" conf > "$work/bare" 2>> "$work/out" &&
    test "$(grep -c = "$work/full.conf")" -gt 15 &&
    diff "$work/bare" "$work/full" >> "$work/out"
result $? "its comments show the defaults"

: > "$work/out"
if command -v systemd-analyze > /dev/null; then
	for unit in "${top_builddir:?}"/conf/systemd/*.service; do
		# the programs need not be installed to look at the units
		sed 's|^\(Exec[A-Za-z]*=\)/.*/dtr-.*|\1/bin/true|' "$unit" > "$work/${unit##*/}"
		systemd-analyze --man=no verify "$work/${unit##*/}" > "$work/said" 2>&1 ||
		    echo "fault in $unit" >> "$work/out"
		# it also tells what is wrong with other units of the machine
		grep -F "${unit##*/}" "$work/said" >> "$work/out"
	done
fi
test ! -s "$work/out"
result $? "systemd takes the units"
