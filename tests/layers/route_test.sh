#!/bin/sh
# A route without a permission does not compile.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# LINE: does it compile as a line of routes.def?
compiles()
{
	cat > "$work/routes.c" <<-X
	#include "common/base/base.h"
	#include "fcgi/core/route.h"
	enum permission { PERMISSION_SOME = 1 };
	static int h_get(struct req *req UNUSED, struct err *err UNUSED)
	{
		return 0;
	}
	const struct route routes[] = {
	$1
	};
	X
	${CC:-cc} -std=gnu11 -fsyntax-only -I"${top_builddir:?}" \
	    -I"${top_srcdir:?}" "$work/routes.c" > "$work/out" 2>&1
}

echo 1..2

if compiles 'ROUTE(x, METHOD_GET, "/x", PERMISSION_SOME, ROUTE_BODY_NONE, h_get, "x")'; then
	echo "ok 1 - a whole route compiles"
else
	echo "not ok 1 - a whole route compiles"
	sed 's/^/# /' "$work/out"
fi

# neither left out nor empty
if compiles 'ROUTE(x, METHOD_GET, "/x", ROUTE_BODY_NONE, h_get, "x")' ||
    compiles 'ROUTE(x, METHOD_GET, "/x", , ROUTE_BODY_NONE, h_get, "x")'; then
	echo "not ok 2 - a route without a permission does not"
else
	echo "ok 2 - a route without a permission does not"
fi
