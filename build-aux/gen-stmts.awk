# Makes C from schema/query/*.sql: an enumeration of the statements, their
# texts, who may use them, and the rights that each role needs for its own.
#
#	awk -v part=header|source -f gen-stmts.awk schema/query/*.sql
#
# Each statement has the lines "-- name: x" and "-- roles: a b" before it and
# ends with ";" at the end of a line. The role "owner" is the dtr command,
# which needs no grants. "?*16" stands for 16 question marks, "(?*16)" for as
# many in parentheses; "LOOKUPS(a, b)" for the table of what db_lookup() asks
# for (common/db/db.h), with its columns number, a and b. Rights are read off
# the words before the tables' names, so what this cannot read for certain is
# refused, and so is what only one of MariaDB and MySQL understands.

function fail(text, line) {
	printf("%s:%d: %s\n", FILENAME, (line > 0 ? line : FNR), text) \
	    > "/dev/stderr"
	failed = 1
	exit 1
}

# About the statement that was just read.
function refuse(text) {
	fail("statement \"" name "\": " text, first_line)
}

function repeat(n,    s, i) {
	s = "?"
	for (i = 1; i < n; i++)
		s = s ", ?"
	return s
}

# The names' values come as arguments, bytes whatever they are.
function lookups(list,    names, n, i, j, s) {
	n = split(list, names, / *, */)
	for (i = 0; i < lookup_width; i++) {
		s = s (i == 0 ? "(SELECT " : " UNION ALL SELECT ") i \
		    (i == 0 ? " AS number" : "")
		for (j = 1; j <= n; j++)
			s = s ", CAST(? AS BINARY)" \
			    (i == 0 ? " AS " names[j] : "")
	}
	return s ")"
}

function c_string(s,    out, i, c) {
	out = ""
	for (i = 1; i <= length(s); i++) {
		c = substr(s, i, 1)
		out = out (c == "\\" || c == "\"" ? "\\" c : c)
	}
	return "\"" out "\""
}

# String literals become '': what is in them is not SQL.
function without_literals(s,    out, i, c, quote) {
	out = ""
	quote = ""
	for (i = 1; i <= length(s); i++) {
		c = substr(s, i, 1)
		if (quote == "") {
			out = out c
			if (c == "'" || c == "\"")
				quote = c
		} else if (c == "\\") {
			i++
		} else if (c == quote) {
			out = out c
			quote = ""
		}
	}
	if (quote != "")
		refuse("a string without end")
	return out
}

function grant(table, right,    i, pair) {
	for (i = 1; i <= role_count; i++) {
		if ((role_list[i], table, right) in granted)
			continue
		granted[role_list[i], table, right] = 1
		if (!((role_list[i], table) in pairs)) {
			pairs[role_list[i], table] = ++pair_count
			pair_role[pair_count] = role_list[i]
			pair_table[pair_count] = table
		}
		pair = pairs[role_list[i], table]
		rights[pair] = rights[pair] \
		    (rights[pair] == "" ? "" : ", ") right
	}
}

function is_name(word) {
	return word ~ /^[a-z_][a-z0-9_]*$/ && !(toupper(word) in keywords)
}

# The table at word i, with its alias; returns the last word of both.
function read_table(i, right,    table) {
	if (word[i] == "(") {
		if (upper[i + 1] != "SELECT")
			refuse("write joins without parentheses")
		return i - 1
	}
	table = word[i]
	if (!is_name(table))
		refuse("\"" table "\" is no table's name")
	if (table in ctes)
		return i
	grant(table, right)
	last_table = table
	if (first_table == "")
		first_table = table
	if (!(table in aliases))
		aliases[table] = table
	if (upper[i + 1] == "AS")
		i++
	if (i < words && is_name(word[i + 1])) {
		i++
		if (!(word[i] in aliases))
			aliases[word[i]] = table
	}
	return i
}

function table_of(alias) {
	if (!(alias in aliases))
		refuse("no table is called \"" alias "\"")
	return aliases[alias]
}

# Names of WITH, which are no tables; returns the word of the statement proper.
function read_with(    i, depth) {
	depth = 0
	for (i = 2; i <= words; i++) {
		if (word[i] == "(")
			depth++
		else if (word[i] == ")")
			depth--
		else if (depth == 0 && (upper[i] in verbs))
			return i
		else if (depth == 0 && is_name(word[i]))
			ctes[word[i]] = 1
	}
	refuse("WITH without a statement")
}

# In UPDATE of several tables the words behind SET tell which are changed.
function read_set(from,    i, depth, parts) {
	depth = 0
	for (i = from; i <= words; i++) {
		if (word[i] == "(")
			depth++
		else if (word[i] == ")")
			depth--
		if (depth > 0)
			continue
		if (upper[i] == "WHERE")
			return
		if (upper[i] != "SET" && word[i] != ",")
			continue
		if (split(word[i + 1], parts, ".") != 2)
			refuse("name the table of each column behind SET")
		grant(table_of(parts[1]), "UPDATE")
	}
}

# The aliases between DELETE and FROM, if it is of several tables.
function read_delete(from,    i, found) {
	found = 0
	for (i = from + 1; i <= words && upper[i] != "FROM"; i++)
		if (word[i] != ",") {
			grant(table_of(word[i]), "DELETE")
			found = 1
		}
	if (!found)
		grant(first_table, "DELETE")
}

function split_words(text,    i) {
	gsub(/[(),]/, " & ", text)
	gsub(/[<>=!]+/, " & ", text)
	sub(/^[ \t]+/, "", text)
	words = split(text, word, /[ \t]+/)
	if (words > 0 && word[words] == "")
		words--
	split("", upper)
	for (i = 1; i <= words; i++)
		upper[i] = toupper(word[i])
	upper[0] = upper[words + 1] = ""
	word[words + 1] = ""
}

function derive(text,    i, start, opener, several, set_at) {
	split_words(text)
	split("", aliases)
	split("", ctes)
	first_table = ""
	target = ""
	several = set_at = depth = 0
	start = upper[1] == "WITH" ? read_with() : 1
	verb = upper[start]
	if (!(verb in verbs))
		refuse("does not begin as a statement that is known here")
	for (i = 1; i <= words; i++) {
		if (word[i] == "(") {
			opener[++depth] = upper[i - 1]
			continue
		}
		if (word[i] == ")") {
			depth--
			continue
		}
		if (word[i] == "*" && (upper[i - 1] == "SELECT" ||
		    upper[i - 1] == "DISTINCT") || word[i] ~ /\.\*$/)
			refuse("name the columns instead of *")
		if (upper[i] == "FROM" && !(depth > 0 &&
		    (opener[depth] in from_functions))) {
			i = read_table(i + 1, "SELECT")
			if (word[i + 1] == ",")
				refuse("write JOIN instead of a comma")
		} else if (upper[i] == "JOIN" || upper[i] == "STRAIGHT_JOIN" &&
		    upper[i - 1] != "SELECT") {
			if (depth == 0)
				several = 1
			i = read_table(i + 1, "SELECT")
		} else if (upper[i] == "INTO") {
			i = read_table(i + 1, "INSERT")
			target = last_table
			if (word[i + 1] != "(")
				refuse("name the columns of INSERT")
			if (verb == "REPLACE")
				grant(target, "DELETE")
		} else if (upper[i] == "UPDATE" && upper[i - 1] == "KEY") {
			grant(target, "UPDATE")
			grant(target, "SELECT")
		} else if (upper[i] == "UPDATE" && upper[i - 1] == "FOR") {
			grant(first_table, "UPDATE")
		} else if (i == start && verb == "UPDATE") {
			i = read_table(i + 1, "SELECT")
			if (word[i + 1] == ",")
				refuse("write JOIN instead of a comma")
		} else if (upper[i] == "SET" && depth == 0 && set_at == 0) {
			set_at = i
		}
	}
	if (depth != 0)
		refuse("parentheses do not match")
	if (verb == "DELETE")
		read_delete(start)
	if (verb == "UPDATE" && several)
		read_set(set_at)
	else if (verb == "UPDATE")
		grant(first_table, "UPDATE")
}

function check_dialect(text) {
	text = " " toupper(text) " "
	gsub(/[(),]/, " & ", text)
	if (text ~ / RETURNING /)
		refuse("RETURNING is MariaDB's alone")
	if (text ~ / (NEXTVAL|LASTVAL) / || text ~ / NEXT VALUE FOR /)
		refuse("sequences are MariaDB's alone")
	if (text ~ /->/)
		refuse("-> is MySQL's alone")
	if (text ~ /\) +AS +NEW /)
		refuse("AS new is MySQL's alone; write VALUES(column)")
	if (text ~ / FOR SHARE /)
		refuse("FOR SHARE is MySQL's alone; LOCK IN SHARE MODE is not")
	if (text ~ /_0900_/)
		refuse("the collation is MySQL's alone; use utf8mb4_bin")
	if (text ~ / --/)
		refuse("a comment behind text")
}

function finish(    params, bare, i) {
	if (name == "")
		fail("statement without a name", first_line)
	if (role_count == 0)
		refuse("without roles")
	while (match(text, /\?\*[0-9]+/))
		text = substr(text, 1, RSTART - 1) \
		    repeat(substr(text, RSTART + 2, RLENGTH - 2) + 0) \
		    substr(text, RSTART + RLENGTH)
	if (match(text, /LOOKUPS\([^)]*\)/))
		text = substr(text, 1, RSTART - 1) \
		    lookups(substr(text, RSTART + 8, RLENGTH - 9)) \
		    substr(text, RSTART + RLENGTH)
	gsub(/[ \t]+/, " ", text)
	sub(/^ /, "", text)
	bare = without_literals(text)
	check_dialect(bare)
	derive(bare)
	params = gsub(/\?/, "?", bare)
	count++
	names[count] = name
	texts[count] = text
	param_counts[count] = params
	role_bits[count] = ""
	for (i = 1; i <= role_count; i++)
		role_bits[count] = role_bits[count] (i == 1 ? "" : " | ") \
		    "Q_ROLE_" toupper(role_list[i])
	forget()
}

function forget() {
	name = ""
	role_count = 0
	text = ""
}

function check_end(file) {
	if (text == "" && name == "")
		return
	printf "%s: the last statement has no end\n", file > "/dev/stderr"
	failed = 1
	exit 1
}

function set_of(list, set,    items, n, i) {
	n = split(list, items, " ")
	for (i = 1; i <= n; i++)
		set[items[i]] = i
	return n
}

BEGIN {
	known_roles = "registry garant api notary signer jobs owner"
	known_count = set_of(known_roles, known)
	set_of("SELECT INSERT REPLACE UPDATE DELETE", verbs)
	set_of("EXTRACT TRIM SUBSTRING SUBSTR", from_functions)
	set_of("AND AS BY CROSS DELETE EXISTS FOR FORCE FROM GROUP HAVING " \
	    "IGNORE IN INNER INSERT INTO IS JOIN KEY LEFT LIMIT LOCK " \
	    "NATURAL NOT NULL ON OR ORDER OUTER PARTITION RECURSIVE " \
	    "REPLACE RIGHT SELECT SET STRAIGHT_JOIN UNION UPDATE USE " \
	    "USING VALUES WHERE WINDOW WITH", keywords)
	lookup_width = 8 # DB_LOOKUP_WIDTH
	count = pair_count = 0
	forget()
}

FNR == 1 {
	check_end(last_file)
	last_file = FILENAME
}
/^-- name: / {
	if (text != "" || name != "")
		fail("the statement before has no end")
	name = $3
	if (NF != 3 || name !~ /^[a-z][a-z0-9_]*$/)
		fail("odd name \"" substr($0, 10) "\"")
	if (name in seen)
		fail("name \"" name "\" is there twice, see " seen[name])
	seen[name] = FILENAME ":" FNR
	next
}
/^-- roles: / {
	role_count = 0
	for (i = 3; i <= NF; i++) {
		if (!($i in known))
			fail("unknown role \"" $i "\", known are " known_roles)
		role_list[++role_count] = $i
	}
	next
}
/^[ \t]*(--|$)/ { next }
{
	line = $0
	if (text == "")
		first_line = FNR
	ends = sub(/;[ \t]*$/, "", line)
	text = text " " line
	if (ends)
		finish()
}

function print_header(    i) {
	print "#ifndef COMMON_MODEL_Q_GEN_H"
	print "#define COMMON_MODEL_Q_GEN_H"
	print "enum q {"
	for (i = 1; i <= count; i++)
		print "\tQ_" toupper(names[i]) ","
	print "\tQ_COUNT,\n};"
	print "enum q_role {"
	split(known_roles, role_list, " ")
	for (i = 1; i <= known_count; i++)
		printf "\tQ_ROLE_%s = 1 << %d,\n", toupper(role_list[i]), i - 1
	print "};"
	print "#define Q_GRANT_COUNT " pair_count
	print "#endif"
}

function print_source(    i) {
	print "#include \"common/base/base.h\""
	print "#include \"common/model/q.h\""
	print "const struct db_stmt_text q_stmts[Q_COUNT] = {"
	for (i = 1; i <= count; i++)
		printf "\t{ \"%s\",\n\t    %s,\n\t    %d },\n", names[i], \
		    c_string(texts[i]), param_counts[i]
	print "};"
	print "const unsigned q_stmt_roles[Q_COUNT] = {"
	for (i = 1; i <= count; i++)
		print "\t" role_bits[i] ","
	print "};"
	print "const struct q_grant q_grants[Q_GRANT_COUNT] = {"
	for (i = 1; i <= pair_count; i++)
		printf "\t{ \"%s\", \"%s\", \"%s\" },\n", pair_role[i], \
		    pair_table[i], rights[i]
	print "};"
}

END {
	if (failed)
		exit 1
	check_end(FILENAME)
	if (count == 0) {
		print "gen-stmts.awk: no statement" > "/dev/stderr"
		exit 1
	}
	print "/* Made by build-aux/gen-stmts.awk from schema/query. */"
	if (part == "header")
		print_header()
	else
		print_source()
}
