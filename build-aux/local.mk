EXTRA_DIST += build-aux/install-packages build-aux/packages \
	build-aux/packages-test \
	build-aux/check-layers \
	build-aux/check-layers.awk \
	build-aux/gen-migrations.awk \
	build-aux/gen-stmts.awk

EXTRA_DIST += tests/layers/layers_test.sh tests/layers/route_test.sh
TESTS += tests/layers/layers_test.sh tests/layers/route_test.sh
