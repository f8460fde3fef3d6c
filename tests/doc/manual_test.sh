#!/bin/sh
# The manual pages: the keys of dtr.conf(5) are those of the program, every
# verb and option of the program is in dtr(8), mandoc finds no fault, and
# doc/log-fields.md has the events of the programs and no others.
man=${top_srcdir:?}/doc/man
dtr=${top_builddir:?}/dtr
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

echo 1..4

sed -n '/^\.\\" keys begin/,/^\.\\" keys end/p' "$man/dtr.conf.5" |
    sed '1d;$d' > "$work/page"
"$dtr" conf --manual > "$work/keys" &&
    diff -u "$work/page" "$work/keys" > "$work/out" 2>&1 &&
    test -s "$work/keys"
result $? "dtr.conf(5) has the keys of the program (build-aux/update-manual)"

: > "$work/out"
"$dtr" --help | sed -n 's/^  \([a-z][a-z-]*\( [a-z]*\)\{0,1\}\) .*/\1/p' |
    sort -u > "$work/verbs"
while read -r verb; do
	grep -q "^\.It Cm $verb\( \|$\)" "$man/dtr.8" ||
	    echo "verb $verb" >> "$work/out"
	# shellcheck disable=SC2086 # a verb may be two words
	"$dtr" $verb --help | sed -n 's/^  --\([a-z-]*\) .*/\1/p'
done < "$work/verbs" | sort -u > "$work/options"
while read -r option; do
	grep -q -e "Fl -$option\( \|$\)" "$man/dtr.8" ||
	    echo "option --$option" >> "$work/out"
done < "$work/options"
test -s "$work/verbs" && test -s "$work/options" && test ! -s "$work/out"
result $? "dtr(8) has every verb and option"

: > "$work/out"
if command -v mandoc > /dev/null; then
	# pages of programs that are not installed here are not our fault
	mandoc -T lint -W style "$man"/*.[1-8] 2> /dev/null |
	    grep -v 'referenced manual not found' > "$work/out"
fi
test ! -s "$work/out"
result $? "mandoc finds no fault"

# the first text in calls of log_event() and log_err()
find "${top_srcdir:?}/fcgi" "${top_srcdir:?}/common" -name '*.c' ! -name log.c -exec cat {} + |
    tr '\n\t' '  ' | grep -oE 'log_(event|err)\([^;"]*"[a-z_]+"' |
    sed 's/.*"\([a-z_]*\)"$/\1/' | sort -u > "$work/events"
# shellcheck disable=SC2016 # backquotes of Markdown
sed -n '/^| event | when/,/^$/p' "$top_srcdir/doc/log-fields.md" |
    sed -n 's/^| \(`[a-z_`, ]*`\) | .*/\1/p' | grep -oE '[a-z_]+' > "$work/named"
echo request >> "$work/named"
sort -u "$work/named" -o "$work/named"
test -s "$work/events" && diff "$work/events" "$work/named" > "$work/out"
result $? "doc/log-fields.md has the events of the programs"
