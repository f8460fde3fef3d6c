#!/bin/sh
# What an installed page of the documentation points to is installed, too.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

echo 1..1
MAKEFLAGS='' make -C "${top_builddir:?}" docdir=/doc DESTDIR="$work" \
    install-nobase_dist_docDATA > "$work/out" 2>&1 || echo "cannot install" >> "$work/missing"
find "$work/doc" -name '*.md' | while read -r page; do
	grep -o '](\([^)]*\))' "$page" | sed 's/^](//; s/)$//; s/#.*//' |
	    while read -r link; do
		case $link in
		'' | *://*) ;;
		*) test -e "${page%/*}/$link" || echo "${page#"$work/doc/"}: $link" ;;
		esac
	done
done >> "$work/missing"
if test -s "$work/doc/README.md" && test ! -s "$work/missing"; then
	echo "ok 1 - links lead somewhere"
else
	echo "not ok 1 - links lead somewhere"
	sed 's/^/# /' "$work/out" "$work/missing"
fi
