common_libcommon_a_SOURCES += \
	common/base/banned.h \
	common/base/base.c \
	common/base/base.h \
	common/base/enc.c \
	common/base/enc.h \
	common/base/err.c \
	common/base/err.h \
	common/base/io.c \
	common/base/io.h \
	common/base/log.c \
	common/base/log.h \
	common/base/mem.c \
	common/base/mem.h \
	common/base/num.c \
	common/base/num.h \
	common/base/pool.c \
	common/base/pool.h \
	common/base/rand.c \
	common/base/rand.h \
	common/base/str.c \
	common/base/str.h \
	common/base/time.c \
	common/base/time.h \
	common/base/uri.c \
	common/base/uri.h \
	common/base/vec.h
