common_libcommon_a_SOURCES += \
	common/model/access.c \
	common/model/access.h \
	common/model/access_token.c \
	common/model/access_token.h \
	common/model/account.c \
	common/model/account.h \
	common/model/login_delay.c \
	common/model/login_delay.h \
	common/model/manifest.c \
	common/model/manifest.h \
	common/model/model.c \
	common/model/model.h \
	common/model/repo_blob.c \
	common/model/repo_blob.h \
	common/model/repository.c \
	common/model/repository.h \
	common/model/setting.c \
	common/model/setting.h \
	common/model/setting_keys.def \
	common/model/tag.c \
	common/model/tag.h \
	common/model/token_key.c \
	common/model/token_key.h \
	common/model/upload.c \
	common/model/upload.h
