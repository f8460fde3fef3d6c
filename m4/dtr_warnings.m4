# Warning flags; each is probed with the compiler at hand
AC_DEFUN([DTR_WARNINGS], [
AX_APPEND_COMPILE_FLAGS([-Wall -Wextra -Wformat=2 -Wshadow dnl
	-Wstrict-prototypes -Wmissing-prototypes -Wmissing-declarations dnl
	-Wold-style-definition -Wpointer-arith -Wcast-qual -Wwrite-strings dnl
	-Wundef -Wvla -Walloca -Wredundant-decls -Wnested-externs dnl
	-Wimplicit-fallthrough -Wnull-dereference -Wconversion dnl
	-Wno-sign-conversion -Wdouble-promotion -Wfloat-equal dnl
	-Wdate-time -Winit-self -Wcast-function-type dnl
	-Wformat-signedness -Wduplicated-cond -Wduplicated-branches dnl
	-Wlogical-op -Wjump-misses-init -Walloc-zero -Wtrampolines dnl
	-Wstack-usage=20000 -Wstringop-overflow=4 -Warray-bounds=2 dnl
	-Wcast-align=strict -Wunused-const-variable=2 dnl
	-Wcomma -Wshorten-64-to-32 dnl
	-Wunreachable-code-aggressive -Wcovered-switch-default],
	[WARN_CFLAGS], [-Werror])
AC_SUBST([WARN_CFLAGS])
])
