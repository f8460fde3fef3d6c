common_libcommon_a_SOURCES += \
	common/crypt/digest.h \
	common/crypt/jws.h \
	common/crypt/key.h \
	common/crypt/passwd.h \
	common/crypt/seal.h \
	common/crypt/x509.h
