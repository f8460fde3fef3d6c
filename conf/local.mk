# Samples for administrators: nothing of it is put to work by make install.
nobase_dist_doc_DATA += conf/apache.conf.in conf/dtr.conf.sample conf/dtr.cron \
	conf/lighttpd.conf.in conf/load-balancer.conf.in conf/nginx.conf.in
example_units = conf/systemd/dtr-api.service \
	conf/systemd/dtr-garant.service \
	conf/systemd/dtr-registry.service
nobase_nodist_doc_DATA = $(example_units)
EXTRA_DIST += $(example_units:=.in) tests/doc/conf_test.sh
CLEANFILES += $(example_units)
TESTS += tests/doc/conf_test.sh

$(example_units): Makefile
	$(AM_V_GEN)$(MKDIR_P) conf/systemd && \
	    $(SED) -e 's|@sbindir[@]|$(sbindir)|' \
	    -e 's|@dtrconfdir[@]|$(dtrconfdir)|' \
	    '$(srcdir)/$@.in' > $@.tmp && mv $@.tmp $@
conf/systemd/dtr-api.service: conf/systemd/dtr-api.service.in
conf/systemd/dtr-garant.service: conf/systemd/dtr-garant.service.in
conf/systemd/dtr-registry.service: conf/systemd/dtr-registry.service.in
