noinst_LIBRARIES += fcgi/core/libcore.a
fcgi_core_libcore_a_SOURCES = \
	fcgi/core/cache.c \
	fcgi/core/cache.h \
	fcgi/core/children.c \
	fcgi/core/children.h \
	fcgi/core/conns.c \
	fcgi/core/conns.h \
	fcgi/core/edge.c \
	fcgi/core/edge.h \
	fcgi/core/errlist.c \
	fcgi/core/errlist.h \
	fcgi/core/fcgi_io.c \
	fcgi/core/fcgi_io.h \
	fcgi/core/handover.c \
	fcgi/core/handover.h \
	fcgi/core/master.c \
	fcgi/core/metrics.c \
	fcgi/core/metrics.h \
	fcgi/core/metrics_private.h \
	fcgi/core/notify.c \
	fcgi/core/notify.h \
	fcgi/core/proxy.c \
	fcgi/core/proxy.h \
	fcgi/core/range.c \
	fcgi/core/range.h \
	fcgi/core/req.c \
	fcgi/core/req.h \
	fcgi/core/resp.c \
	fcgi/core/route.c \
	fcgi/core/route.h \
	fcgi/core/server.h \
	fcgi/core/setup.c \
	fcgi/core/setup.h \
	fcgi/core/socket.c \
	fcgi/core/socket.h \
	fcgi/core/worker.c \
	fcgi/core/worker.h
