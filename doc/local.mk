dist_man_MANS += \
	doc/man/dtr-api.8 \
	doc/man/dtr-garant.8 \
	doc/man/dtr-registry.8 \
	doc/man/dtr.8 \
	doc/man/dtr.conf.5
# in the same folders as here, so that what points to another finds it
nobase_dist_doc_DATA += README.md ARCHITECTURE.md CHANGES.md HACKING.md \
	LICENSE doc/log-fields.md doc/alerts.yml doc/howto/install.md \
	doc/howto/monitoring.md doc/howto/nginx.md doc/howto/lighttpd.md \
	doc/howto/apache.md doc/howto/load-balancer.md doc/howto/galera.md \
	doc/howto/add-endpoint.md doc/howto/add-setting.md \
	doc/howto/add-table.md
EXTRA_DIST += bench/README.md bench/dtr bench/fill bench/beside \
	bench/growth bench/measure bench/peer.py
EXTRA_DIST += build-aux/update-manual tests/doc/manual_test.sh \
	tests/doc/links_test.sh
TESTS += tests/doc/manual_test.sh tests/doc/links_test.sh
