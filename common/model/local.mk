common_libcommon_a_SOURCES += \
	common/model/access.c \
	common/model/access.h \
	common/model/access_token.c \
	common/model/access_token.h \
	common/model/account.c \
	common/model/account.h \
	common/model/event.c \
	common/model/event.h \
	common/model/gc.c \
	common/model/gc.h \
	common/model/login_delay.c \
	common/model/login_delay.h \
	common/model/manifest.c \
	common/model/manifest.h \
	common/model/manifest_link.c \
	common/model/manifest_link.h \
	common/model/manifest_push.c \
	common/model/manifest_push.h \
	common/model/migration.h \
	common/model/model.c \
	common/model/model.h \
	common/model/q.h \
	common/model/referrer.c \
	common/model/referrer.h \
	common/model/registry_token.c \
	common/model/registry_token.h \
	common/model/repo_blob.c \
	common/model/repo_blob.h \
	common/model/backlog.c \
	common/model/backlog.h \
	common/model/catalog.c \
	common/model/catalog.h \
	common/model/connections.c \
	common/model/connections.h \
	common/model/repository.c \
	common/model/repository.h \
	common/model/review.c \
	common/model/review.h \
	common/model/schema.c \
	common/model/schema.h \
	common/model/schema_rights.c \
	common/model/search.c \
	common/model/search.h \
	common/model/search_words.c \
	common/model/search_words.h \
	common/model/setting.c \
	common/model/setting.h \
	common/model/setting_keys.def \
	common/model/tag.c \
	common/model/tag.h \
	common/model/tag_history.c \
	common/model/tag_history.h \
	common/model/token_action.c \
	common/model/token_action.h \
	common/model/token_key.c \
	common/model/token_key.h \
	common/model/upload.c \
	common/model/upload.h
nodist_common_libcommon_a_SOURCES = \
	common/model/migration.gen.c \
	common/model/q.gen.c \
	common/model/q.gen.h

BUILT_SOURCES += common/model/q.gen.h
CLEANFILES += common/model/q.gen.h common/model/q.gen.c \
	common/model/migration.gen.c

common/model/q.gen.h: $(schema_queries) build-aux/gen-stmts.awk
	@$(MKDIR_P) common/model
	$(AM_V_GEN)cd $(srcdir) && $(AWK) -v part=header \
		-f build-aux/gen-stmts.awk $(schema_queries) \
		> '$(abs_builddir)/$@.new' && \
		mv '$(abs_builddir)/$@.new' '$(abs_builddir)/$@'
common/model/q.gen.c: $(schema_queries) build-aux/gen-stmts.awk
	@$(MKDIR_P) common/model
	$(AM_V_GEN)cd $(srcdir) && $(AWK) -v part=source \
		-f build-aux/gen-stmts.awk $(schema_queries) \
		> '$(abs_builddir)/$@.new' && \
		mv '$(abs_builddir)/$@.new' '$(abs_builddir)/$@'
common/model/migration.gen.c: $(schema_migrations) build-aux/gen-migrations.awk
	@$(MKDIR_P) common/model
	$(AM_V_GEN)cd $(srcdir) && $(AWK) \
		-f build-aux/gen-migrations.awk $(schema_migrations) \
		> '$(abs_builddir)/$@.new' && \
		mv '$(abs_builddir)/$@.new' '$(abs_builddir)/$@'
