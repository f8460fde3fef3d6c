sbin_PROGRAMS += dtr-api
dtr_api_SOURCES = \
	fcgi/api/api.c \
	fcgi/api/api.h \
	fcgi/api/gauges.c \
	fcgi/api/gauges.h \
	fcgi/api/h_ping.c \
	fcgi/api/h_search.c \
	fcgi/api/health.c \
	fcgi/api/health.h \
	fcgi/api/identity.c \
	fcgi/api/identity.h \
	fcgi/api/main.c \
	fcgi/api/routes.def
dtr_api_LDADD = fcgi/core/libcore.a common/libcommon.a $(FCGI_LIBS) \
	$(CRYPTO_LIBS) $(CRYPT_LIBS) $(JSONC_LIBS) $(MYSQL_LIBS)
