sbin_PROGRAMS += dtr-registry
dtr_registry_SOURCES = \
	fcgi/registry/auth.c \
	fcgi/registry/auth.h \
	fcgi/registry/h_base.c \
	fcgi/registry/h_blob.c \
	fcgi/registry/h_list.c \
	fcgi/registry/h_manifest.c \
	fcgi/registry/h_manifest_put.c \
	fcgi/registry/h_referrer.c \
	fcgi/registry/h_upload.c \
	fcgi/registry/identity.c \
	fcgi/registry/identity.h \
	fcgi/registry/intake.c \
	fcgi/registry/intake.h \
	fcgi/registry/limits.c \
	fcgi/registry/limits.h \
	fcgi/registry/main.c \
	fcgi/registry/note.c \
	fcgi/registry/note.h \
	fcgi/registry/page.c \
	fcgi/registry/page.h \
	fcgi/registry/pull_log.c \
	fcgi/registry/pull_log.h \
	fcgi/registry/regerr.c \
	fcgi/registry/regerr.h \
	fcgi/registry/registry.c \
	fcgi/registry/registry.h \
	fcgi/registry/reply.c \
	fcgi/registry/reply.h \
	fcgi/registry/reference.c \
	fcgi/registry/reference.h \
	fcgi/registry/routes.def \
	fcgi/registry/token.c \
	fcgi/registry/token.h \
	fcgi/registry/token_keys.c \
	fcgi/registry/token_keys.h
dtr_registry_LDADD = fcgi/core/libcore.a common/libcommon.a $(FCGI_LIBS) \
	$(CRYPTO_LIBS) $(CRYPT_LIBS) $(JSONC_LIBS) $(MYSQL_LIBS)
