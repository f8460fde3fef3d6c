common_libcommon_a_SOURCES += \
	common/crypt/crypt_private.h \
	common/crypt/digest.c \
	common/crypt/digest.h \
	common/crypt/jws.c \
	common/crypt/jws.h \
	common/crypt/key.c \
	common/crypt/key.h \
	common/crypt/passwd.c \
	common/crypt/passwd.h \
	common/crypt/seal.c \
	common/crypt/seal.h \
	common/crypt/x509.c \
	common/crypt/x509.h
