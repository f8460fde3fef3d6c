# Makes C from schema/query/*.sql: an enumeration of the statements, their
# texts, and the rights that each role needs for its statements.
#
#	awk -v part=header|source -f gen-stmts.awk schema/query/*.sql
#
# Each statement has the lines "-- name: x" and "-- roles: a b" before it and
# ends with ";". "?*16" stands for 16 question marks. See schema/README.md.

function fail(text) {
	printf "%s:%d: %s\n", FILENAME, FNR, text > "/dev/stderr"
	failed = 1
	exit 1
}

function repeat(n,   s, i) {
	s = "?"
	for (i = 1; i < n; i++)
		s = s ", ?"
	return s
}

function grant(role, table, right) {
	if (!((role, table, right) in granted)) {
		granted[role, table, right] = 1
		if (!((role, table) in pairs)) {
			pairs[role, table] = ++pair_count
			pair_role[pair_count] = role
			pair_table[pair_count] = table
		}
		rights[role, table] = rights[role, table] \
		    (rights[role, table] == "" ? "" : ", ") right
	}
}

function grant_all(table, right,   i) {
	for (i = 1; i <= role_count; i++)
		grant(role_list[i], table, right)
}

# the rights follow from the words before each table's name
function derive(text,   words, n, i, verb, target) {
	gsub(/[(),;]/, " ", text)
	n = split(text, words, /[ \t\n]+/)
	verb = ""
	for (i = 1; i <= n; i++)
		if (verb == "" && words[i] != "")
			verb = toupper(words[i])
	target = ""
	for (i = 1; i < n; i++) {
		w = toupper(words[i])
		if (w == "INTO") {
			target = words[i + 1]
			grant_all(target, "INSERT")
		} else if (w == "UPDATE" && i < n && toupper(words[i - 1]) == "KEY") {
			grant_all(target, "UPDATE")
			grant_all(target, "SELECT")
		} else if (w == "UPDATE" && target == "") {
			target = words[i + 1]
			grant_all(target, "UPDATE")
			grant_all(target, "SELECT")
		} else if (w == "FROM" || w == "JOIN") {
			grant_all(words[i + 1], "SELECT")
			if (verb == "DELETE" && target == "") {
				target = words[i + 1]
				grant_all(target, "DELETE")
			}
		}
	}
}

function finish(   i, params, flat) {
	if (name == "")
		fail("statement without a name")
	if (role_count == 0)
		fail("statement \"" name "\" without roles")
	while (match(text, /\?\*[0-9]+/))
		text = substr(text, 1, RSTART - 1) \
		    repeat(substr(text, RSTART + 2, RLENGTH - 2) + 0) \
		    substr(text, RSTART + RLENGTH)
	if (toupper(text) ~ /[^A-Z_]RETURNING[^A-Z_]/ || text ~ /->/ ||
	    toupper(text) ~ /\) AS NEW /)
		fail("statement \"" name "\" uses what not both MariaDB and MySQL know")
	params = gsub(/\?/, "?", text)
	derive(text)
	flat = text
	gsub(/[ \t\n]+/, " ", flat)
	gsub(/"/, "\\\"", flat)
	sub(/^ /, "", flat)
	count++
	names[count] = name
	texts[count] = flat
	param_counts[count] = params
	name = ""
	role_count = 0
	text = ""
}

/^-- name: / {
	name = $3
	if (name !~ /^[a-z][a-z0-9_]*$/)
		fail("odd name \"" name "\"")
	if (name in seen)
		fail("name \"" name "\" is there twice")
	seen[name] = 1
	next
}
/^-- roles: / {
	role_count = 0
	for (i = 3; i <= NF; i++) {
		if ($i !~ /^(registry|garant|api|notary|signer|jobs)$/)
			fail("unknown role \"" $i "\"")
		role_list[++role_count] = $i
	}
	next
}
/^[ \t]*(--|$)/ { next }
{
	line = $0
	ends = sub(/;[ \t]*$/, "", line)
	text = text " " line
	if (ends)
		finish()
}
END {
	if (failed)
		exit 1
	if (text != "")
		fail("the last statement has no end")
	if (part == "header") {
		print "/* Made by build-aux/gen-stmts.awk from schema/query. */"
		print "#ifndef COMMON_MODEL_Q_GEN_H"
		print "#define COMMON_MODEL_Q_GEN_H"
		print "enum q {"
		for (i = 1; i <= count; i++)
			print "\tQ_" toupper(names[i]) ","
		print "\tQ_COUNT,\n};"
		print "#define Q_GRANT_COUNT " pair_count
		print "#endif"
		exit 0
	}
	print "/* Made by build-aux/gen-stmts.awk from schema/query. */"
	print "#include \"common/base/base.h\""
	print "#include \"common/model/q.h\""
	print "const struct db_stmt_text q_stmts[Q_COUNT] = {"
	for (i = 1; i <= count; i++)
		printf "\t{ \"%s\",\n\t    \"%s\",\n\t    %d },\n", names[i], \
		    texts[i], param_counts[i]
	print "};"
	print "const struct q_grant q_grants[Q_GRANT_COUNT] = {"
	for (i = 1; i <= pair_count; i++)
		printf "\t{ \"%s\", \"%s\", \"%s\" },\n", pair_role[i], \
		    pair_table[i], rights[pair_role[i], pair_table[i]]
	print "};"
}
