sbin_PROGRAMS += dtr-garant
dtr_garant_SOURCES = \
	fcgi/garant/bearer.c \
	fcgi/garant/bearer.h \
	fcgi/garant/garant.c \
	fcgi/garant/garant.h \
	fcgi/garant/grant.c \
	fcgi/garant/grant.h \
	fcgi/garant/h_identity.c \
	fcgi/garant/h_keys.c \
	fcgi/garant/h_token.c \
	fcgi/garant/login.c \
	fcgi/garant/login.h \
	fcgi/garant/main.c \
	fcgi/garant/places.c \
	fcgi/garant/places.h \
	fcgi/garant/routes.def \
	fcgi/garant/scope.c \
	fcgi/garant/scope.h \
	fcgi/garant/signer.c \
	fcgi/garant/signer.h
dtr_garant_LDADD = fcgi/core/libcore.a common/libcommon.a $(FCGI_LIBS) \
	$(CRYPTO_LIBS) $(CRYPT_LIBS) $(JSONC_LIBS) $(MYSQL_LIBS)
