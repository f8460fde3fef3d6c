# Makes a C table of the migrations from schema/migrate/NNNN_name.sql: one
# item for each statement, so that a migration goes on where it stopped. The
# line "-- repeat" before a statement marks one that is run until it changes no
# row, and again by each later dtr migrate: it completes rows in small batches.
#
#	awk -f gen-migrations.awk schema/migrate/*.sql

BEGIN {
	print "/* Made by build-aux/gen-migrations.awk from schema/migrate. */"
	print "#include \"common/base/base.h\""
	print "#include \"common/model/migration.h\""
	print "const struct migration_step migration_steps[] = {"
}
FNR == 1 {
	if (text != "") {
		print FILENAME ": the file before has a statement without end" > "/dev/stderr"
		exit 1
	}
	file = FILENAME
	sub(/.*\//, "", file)
	sub(/\.sql$/, "", file)
	version = file + 0
	name = substr(file, 6)
	step = 0
	repeats = "false"
}
/^-- repeat$/ { repeats = "true" }
/^[ \t]*(--|$)/ { next }
{
	line = $0
	ends = sub(/;[ \t]*$/, "", line)
	gsub(/\\/, "\\\\", line)
	gsub(/"/, "\\\"", line)
	text = text (text == "" ? "" : "\n") "\t    \"" line "\\n\""
	if (ends) {
		printf "\t{ %d, %d, %s, \"%s\",\n%s },\n", version, ++step, \
		    repeats, name, text
		text = ""
		repeats = "false"
	}
}
END {
	print "};"
	print "const size_t migration_step_count = COUNT_OF(migration_steps);"
}
