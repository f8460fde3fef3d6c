# Reads names of source files and checks them; see check-layers. Rules:
#
#   layer    An include follows the arrows of the table in ARCHITECTURE.md,
#            "Folders and layers", over any number of steps. Tests may include
#            anything.
#   library  A library's header is included in one folder alone: its own in
#            the table below. What is neither there nor the C library's is not
#            known.
#   first    Each .c includes common/base/base.h first and then its own header
#            if it has one (x.h or x_private.h for x.c).
#   sql      No statement stands outside schema/ but where it must.

BEGIN {
	ok = 1
	libraries()
	exceptions()
	read_table("ARCHITECTURE.md")
	while ((getline name) > 0)
		check_file(name)
	for (name in sql_allowed)
		if ((name in checked) && !(name in sql_found))
			fault(name, 1, "sql", "has no statement; take it off " \
			    "the exceptions of check-layers.awk")
	exit !ok
}

function libraries(    i, n, names) {
	home["fcgi"] = "fcgi/core" # libfcgi: fcgiapp.h and its like
	home["uthash.h"] = "fcgi/core"
	home["mysql"] = "common/db" # libmariadb or libmysqlclient
	home["openssl/"] = "common/crypt"
	home["crypt.h"] = "common/crypt"
	home["json-c/"] = "common/json"
	home["curl/"] = "common/net"
	home["libxml/"] = "common/xml"
	n = split("arpa/ linux/ net/ netinet/ sys/ sanitizer/ assert ctype " \
	    "dirent endian errno fcntl float fnmatch ftw getopt glob grp " \
	    "ifaddrs inttypes limits locale math netdb poll pthread pwd " \
	    "regex sched semaphore setjmp signal spawn stdalign stdarg " \
	    "stdatomic stdbool stddef stdint stdio stdlib string strings " \
	    "syslog termios time unistd", names, " ")
	for (i = 1; i <= n; i++)
		system_header[names[i]] = 1
}

function exceptions() {
	# what a connection and a transaction are made of
	sql_allowed["common/db/conn.c"] = 1
	sql_allowed["common/db/txn.c"] = 1
	# makes the tables that statements are prepared against
	sql_allowed["common/model/schema.c"] = 1
	# names of databases and accounts cannot be parameters
	sql_allowed["common/model/schema_rights.c"] = 1
	sql_allowed["cli/init_db.c"] = 1
	sql_allowed["cli/init_look.c"] = 1
	# questions about the server, as an administrator that has no role
	sql_allowed["cli/check_db.c"] = 1
	sql_allowed["cli/cmd_migrate.c"] = 1
	# tables of routes are data, which "dtr routes" prints
	include_allowed["cli/cmd_routes.c"] = "^fcgi/[a-z-]+/routes\\.def$"
	# loaded into the programs under test, whose calls it replaces
	order_free["tests/fault/fault.c"] = 1
}

function fault(file, line, rule, text) {
	printf("%s:%d: %s: %s\n", file, line, rule, text)
	ok = 0
}

# "    common/oci   names, digests   <- base json crypt", the arrow in UTF-8
function read_table(file,    line, n, words, i, folder, count) {
	while ((getline line < file) > 0) {
		if (line !~ /^    (common|fcgi|jobs|cli)[a-z\/-]* /)
			continue
		split(line, words, " ")
		folder = words[1]
		count++
		may[folder, folder] = 1
		if ((i = index(line, "\342\206\220")) > 0) {
			line = substr(line, i + 3)
			gsub(/,/, " ", line)
			n = split(line, words, " ")
			for (i = 1; i <= n; i++)
				add_arrow(folder, words[i])
		}
		layers[folder] = 1
	}
	close(file)
	if (count == 0)
		fault(file, 1, "layer", "no table of folders and layers")
}

# those above are complete: what they may include comes along
function add_arrow(from, word,    to, other) {
	for (to in layers) {
		if (word != "all" && to != "common/" word && to != "fcgi/" word)
			continue
		may[from, to] = 1
		for (other in layers)
			if ((to, other) in may)
				may[from, other] = 1
	}
}

# The layer that a path belongs to, "" if none.
function layer_of(path) {
	while (path ~ /\//) {
		sub(/\/[^\/]*$/, "", path)
		if (path in layers)
			return path
	}
	return ""
}

function check_file(file,    line, number, state) {
	checked[file] = 1
	in_comment = 0
	includes = 0
	layer = layer_of(file)
	is_test = file ~ /^tests\//
	if (layer == "" && !is_test)
		check_folder(file)
	number = 0
	while ((state = (getline line < file)) > 0)
		check_line(file, ++number, line)
	close(file)
	if (state < 0)
		fault(file, 1, "first", "cannot be read")
	if (includes == 0 && file ~ /\.c$/)
		fault(file, 1, "first", "does not include " \
		    "\"common/base/base.h\"")
}

# Once a folder: its files may be many.
function check_folder(file,    folder) {
	folder = file
	sub(/\/[^\/]*$/, "", folder)
	if (!(folder in no_layer))
		fault(file, 1, "layer", "folder \"" folder "\" is not in " \
		    "the table of ARCHITECTURE.md; add it with its arrows")
	no_layer[folder] = 1
}

function check_line(file, number, line) {
	if (!in_comment && match(line, /^[ \t]*#[ \t]*include[ \t]*["<]/)) {
		line = substr(line, RLENGTH)
		match(substr(line, 2), /[">]/)
		check_include(file, number, substr(line, 1, 1),
		    substr(line, 2, RSTART - 1))
		return
	}
	check_literals(file, number, line)
}

function check_include(file, number, quote, header) {
	includes++
	if (file ~ /\.c$/)
		check_order(file, number, header)
	if (is_test)
		return
	if (quote == "<")
		check_library(file, number, header)
	else if (header == "config.h")
		check_config(file, number)
	else if (layer != "" && !((layer, layer_of(header)) in may) &&
	    !(file in include_allowed && header ~ include_allowed[file]))
		fault(file, number, "layer", layer " may not include \"" \
		    header "\"")
}

function check_config(file, number) {
	if (file != "common/base/base.h")
		fault(file, number, "layer", "only common/base/base.h " \
		    "includes \"config.h\"")
}

function check_order(file, number, header,    stem) {
	stem = file
	sub(/\.c$/, "", stem)
	if (file in order_free)
		return
	if (includes == 1 && header != "common/base/base.h")
		fault(file, number, "first", "includes \"" header "\" before " \
		    "\"common/base/base.h\"")
	if (includes == 2 && !is_test && stem != "common/base/base" &&
	    exists(stem ".h") && header != stem ".h" && header != stem "_private.h")
		fault(file, number, "first", "includes \"" header "\" before " \
		    "its own header")
}

function exists(file,    line, state) {
	state = (getline line < file)
	close(file)
	return state >= 0
}

function check_library(file, number, header,    part, name) {
	for (part in home) {
		if (index(header, part) != 1)
			continue
		if (layer != home[part])
			fault(file, number, "library", "<" header "> belongs " \
			    "to " home[part] " alone")
		return
	}
	name = header
	if (name ~ /\//)
		sub(/\/.*/, "/", name)
	else
		sub(/\.h$/, "", name)
	if (!(name in system_header))
		fault(file, number, "library", "<" header "> is not known; " \
		    "give it a folder in check-layers.awk")
}

# The literals of a line, without its comments.
function check_literals(file, number, line,    found) {
	while (line != "") {
		if (in_comment) {
			if ((found = index(line, "*/")) == 0)
				return
			line = substr(line, found + 2)
			in_comment = 0
		}
		if (!match(line, /"([^"\\]|\\.)*"|'([^'\\]|\\.)*'|\/\*|\/\//))
			return
		found = substr(line, RSTART, RLENGTH)
		line = substr(line, RSTART + RLENGTH)
		if (found == "//")
			return
		if (found == "/*")
			in_comment = 1
		else if (substr(found, 1, 1) == "\"")
			check_sql(file, number,
			    substr(found, 2, length(found) - 2))
	}
}

function check_sql(file, number, text) {
	if (is_test || !is_sql(text))
		return
	sql_found[file] = 1
	if (!(file in sql_allowed))
		fault(file, number, "sql", "statement \"" \
		    substr(text, 1, 40) "\"; it belongs to schema/query")
}

# A verb in capitals at the start, or what cannot be anything else anywhere.
# "DELETE" alone is a method of HTTP.
function is_sql(text) {
	if (text ~ /^[ (]*(ALTER|CALL|CREATE|DELETE|DROP|FLUSH|GRANT|INSERT) / ||
	    text ~ /^[ (]*(KILL|LOCK|RENAME|REPLACE|REVOKE|SELECT|SET) / ||
	    text ~ /^[ (]*(SHOW|START|TRUNCATE|UPDATE|USE|XA) / ||
	    text ~ /^[ (]*(BEGIN|COMMIT|ROLLBACK|SAVEPOINT|UNLOCK TABLES)/)
		return 1
	text = tolower(text)
	return text ~ /(insert|replace)( ignore)? into |delete from / ||
	    text ~ /select .* from |update [a-z_`%.]+ set / ||
	    text ~ /(alter|create|drop|truncate) (table|database|user|index) /
}
