sbin_PROGRAMS += dtr
dtr_SOURCES = \
	cli/check.h \
	cli/check_db.c \
	cli/check_limits.c \
	cli/check_node.c \
	cli/check_rights.c \
	cli/check_tls.c \
	cli/cli.c \
	cli/cli.h \
	cli/cmd_check.c \
	cli/cmd_conf.c \
	cli/cmd_drain.c \
	cli/cmd_gc.c \
	cli/cmd_init.c \
	cli/cmd_key.c \
	cli/cmd_migrate.c \
	cli/cmd_repository.c \
	cli/cmd_revoke_tokens.c \
	cli/cmd_routes.c \
	cli/cmd_setting.c \
	cli/cmd_tag.c \
	cli/cmd_token.c \
	cli/cmd_user.c \
	cli/hosts.c \
	cli/hosts.h \
	cli/init.h \
	cli/init_conf.c \
	cli/init_db.c \
	cli/init_look.c \
	cli/init_secrets.c \
	cli/init_tls.c \
	cli/main.c \
	cli/mask.c \
	cli/mask.h \
	cli/output.c \
	cli/owner.c \
	cli/owner.h \
	cli/secret.c \
	cli/secret.h
dtr_LDADD = common/libcommon.a \
	$(CRYPTO_LIBS) $(CRYPT_LIBS) $(JSONC_LIBS) $(MYSQL_LIBS)
