EXTRA_DIST += build-aux/install-packages build-aux/packages \
	build-aux/packages-test \
	build-aux/gen-migrations.awk \
	build-aux/gen-stmts.awk
