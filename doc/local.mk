dist_man_MANS += \
	doc/man/dtr-api.8 \
	doc/man/dtr-garant.8 \
	doc/man/dtr-registry.8 \
	doc/man/dtr.8 \
	doc/man/dtr.conf.5
dist_doc_DATA = README.md ARCHITECTURE.md CHANGES.md doc/log-fields.md \
	doc/howto/install.md doc/howto/monitoring.md doc/alerts.yml \
	doc/howto/nginx.md doc/howto/lighttpd.md doc/howto/apache.md \
	doc/howto/load-balancer.md
EXTRA_DIST += doc/howto/add-endpoint.md doc/howto/add-setting.md \
	doc/howto/add-table.md bench/README.md bench/dtr bench/fill \
	bench/beside bench/growth bench/measure bench/peer.py
EXTRA_DIST += build-aux/update-manual tests/doc/manual_test.sh
TESTS += tests/doc/manual_test.sh
