# a small responder for tests of fcgi/core (tests/live/core*_test.py)
check_PROGRAMS += tests/fcgi/echo
tests_fcgi_echo_SOURCES = tests/fcgi/echo.c
tests_fcgi_echo_LDADD = fcgi/core/libcore.a common/libcommon.a $(FCGI_LIBS) \
	$(CRYPTO_LIBS) $(JSONC_LIBS)
