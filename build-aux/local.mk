EXTRA_DIST += \
	build-aux/gen-migrations.awk \
	build-aux/gen-stmts.awk
