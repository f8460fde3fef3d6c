#!/bin/sh
# The sources keep the layers, and build-aux/check-layers sees each way of not
# keeping them.
check=${top_srcdir:?}/build-aux/check-layers
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

# A new tree without a fault.
tree()
{
	rm -rf "$work/tree"
	mkdir -p "$work/tree"
	(cd "$work/tree" && mkdir -p common/base common/json common/oci \
	    common/db common/model fcgi/core fcgi/one fcgi/two cli tests/unit)
	cat > "$work/tree/ARCHITECTURE.md" <<-X
	    common/base     memory
	    common/json     reader                 ← base
	    common/db       statements             ← base
	    common/oci      manifests              ← json
	    common/model    tables                 ← all above
	    fcgi/core       requests               ← base json
	    fcgi/one        a component            ← core, model
	    fcgi/two        another component      ← core, model
	    cli             the command            ← model
	X
	for file in common/base/base common/json/jsr common/oci/name \
	    common/db/db common/model/tag fcgi/core/core fcgi/one/one \
	    fcgi/two/two cli/cli; do
		: > "$work/tree/$file.h"
		lines "$file.c" '#include "common/base/base.h"' \
		    "#include \"$file.h\"" '#include <stdio.h>'
	done
	add common/json/jsr.c '#include <json-c/json.h>'
	add common/oci/name.c '#include "common/base/base.h"' \
	    '#include "common/json/jsr.h"'
	add fcgi/one/one.c '#include "fcgi/core/core.h"' \
	    '#include "common/oci/name.h"' \
	    '/* "SELECT 1" in a comment' '#include "fcgi/two/two.h" */' \
	    '{ METHOD_DELETE, "DELETE" }, "select a name", "\"SELECT 1"'
	lines tests/unit/tag_test.c '#include "common/base/base.h"' \
	    '#include <cmocka.h>' '"SELECT 1"' '#include "fcgi/one/one.h"'
	: > "$work/tree/fcgi/two/routes.def"
	lines cli/cmd_routes.c '#include "common/base/base.h"' \
	    '#include "fcgi/two/routes.def"'
}

# FILE LINE...: a file of these lines, or these lines at its end.
lines()
{
	file=$work/tree/$1
	shift
	printf '%s\n' "$@" > "$file"
}

add()
{
	file=$work/tree/$1
	shift
	printf '%s\n' "$@" >> "$file"
}

# WHAT EXPECTED: the check finds exactly the fault that was planted.
found()
{
	"$check" "$work/tree" > "$work/out" 2>&1
	test $? = 1 && test "$(cat "$work/out")" = "$2"
	result $? "$1"
	tree
}

echo 1..22

"$check" "$top_srcdir" > "$work/out" 2>&1
result $? "the sources keep the layers"

tree
"$check" "$work/tree" > "$work/out" 2>&1
result $? "a tree without a fault passes"

add common/base/base.c '#include "common/json/jsr.h"'
found "a layer includes one above" 'common/base/base.c:4: layer: common/base may not include "common/json/jsr.h"'

add common/oci/name.h '# include "common/db/db.h"'
found "a header includes one beside" 'common/oci/name.h:1: layer: common/oci may not include "common/db/db.h"'

add fcgi/core/core.c '#include "common/model/tag.h"'
found "the core includes the model" 'fcgi/core/core.c:4: layer: fcgi/core may not include "common/model/tag.h"'

add fcgi/one/one.c '#include "fcgi/two/two.h"'
found "a component includes another" 'fcgi/one/one.c:9: layer: fcgi/one may not include "fcgi/two/two.h"'

add cli/cli.c '#include "fcgi/core/core.h"'
found "the command includes the core" 'cli/cli.c:4: layer: cli may not include "fcgi/core/core.h"'

add cli/cli.c '#include "fcgi/two/routes.def"'
found "an exception is its file's alone" 'cli/cli.c:4: layer: cli may not include "fcgi/two/routes.def"'

add cli/cli.c '#include "cmd.h"'
found "an include names no folder" 'cli/cli.c:4: layer: cli may not include "cmd.h"'

add common/db/db.c '#include "config.h"'
found "config.h is for base.h" 'common/db/db.c:4: layer: only common/base/base.h includes "config.h"'

mkdir "$work/tree/common/new"
lines common/new/new.h '#include "common/base/base.h"'
: > "$work/tree/common/new/more.h"
found "a folder is in no table" 'common/new/more.h:1: layer: folder "common/new" is not in the table of ARCHITECTURE.md; add it with its arrows'

add common/oci/name.c '#include <json-c/json.h>'
found "a library is used in a second folder" 'common/oci/name.c:6: library: <json-c/json.h> belongs to common/json alone'

add common/model/tag.h '#include <mysql.h>'
found "a library is used in a wrong folder" 'common/model/tag.h:1: library: <mysql.h> belongs to common/db alone'

add common/db/db.c '#include <archive.h>'
found "a library is not known" 'common/db/db.c:4: library: <archive.h> is not known; give it a folder in check-layers.awk'

lines common/db/db.c '#include <stdio.h>' '#include "common/base/base.h"'
found "base.h comes second" 'common/db/db.c:1: first: includes "stdio.h" before "common/base/base.h"
common/db/db.c:2: first: includes "common/base/base.h" before its own header'

lines common/db/db.c '#include "common/base/base.h"' '#include <stdio.h>' '#include "common/db/db.h"'
found "the own header comes third" 'common/db/db.c:2: first: includes "stdio.h" before its own header'

lines tests/unit/tag_test.c '#include <cmocka.h>'
found "a test does not begin with base.h" 'tests/unit/tag_test.c:1: first: includes "cmocka.h" before "common/base/base.h"'

lines common/db/more.c 'int x;'
found "a source includes nothing" 'common/db/more.c:1: first: does not include "common/base/base.h"'

add common/model/tag.c 'run("SELECT name FROM tag");'
found "a statement stands in a source" 'common/model/tag.c:4: sql: statement "SELECT name FROM tag"; it belongs to schema/query'

add fcgi/one/one.c 'x = 1; /* a */ run("%s", "delete from tag where id = 1"); // "b"'
found "a statement in small letters" 'fcgi/one/one.c:9: sql: statement "delete from tag where id = 1"; it belongs to schema/query'

lines common/db/txn.c '#include "common/base/base.h"' 'run("COMMIT");'
lines common/db/conn.c '#include "common/base/base.h"' 'run(x);'
found "an exception is not needed" 'common/db/conn.c:1: sql: has no statement; take it off the exceptions of check-layers.awk'

: > "$work/tree/ARCHITECTURE.md"
"$check" "$work/tree" > "$work/out" 2>&1
test $? = 1 && grep -q '^ARCHITECTURE.md:1: layer: no table of folders and layers$' "$work/out"
result $? "there is no table"
