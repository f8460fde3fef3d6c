dist_man_MANS += \
	doc/man/dtr-garant.8 \
	doc/man/dtr-registry.8 \
	doc/man/dtr.8 \
	doc/man/dtr.conf.5
EXTRA_DIST += build-aux/update-manual tests/doc/manual_test.sh
TESTS += tests/doc/manual_test.sh
