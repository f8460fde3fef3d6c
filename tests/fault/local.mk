# A library for LD_PRELOAD that makes calls of the responders fail; the live
# tests ask make for it (tests/lib/faults.py). Never with sanitizers: they
# want to be loaded first.
EXTRA_DIST += tests/fault/fault.c
check_SCRIPTS += tests/fault/fault.so
CLEANFILES += tests/fault/fault.so

tests/fault/fault.so: tests/fault/fault.c Makefile
	$(AM_V_CCLD)$(MKDIR_P) tests/fault && \
	    $(CC) -std=gnu11 $(WARN_CFLAGS) $(WERROR_CFLAGS) $(FCGI_CFLAGS) \
	    $(MYSQL_CFLAGS) $(CPPFLAGS) $(CFLAGS) -fPIC -shared -o $@ \
	    '$(srcdir)/tests/fault/fault.c'
