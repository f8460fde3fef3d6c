# Hardening flags; each is probed, none is required
AC_DEFUN([DTR_HARDENING], [
AX_APPEND_COMPILE_FLAGS([-fstack-protector-strong -fstack-clash-protection dnl
	-fcf-protection -fno-common -fvisibility=hidden -fno-strict-overflow],
	[HARDEN_CFLAGS], [-Werror])
AX_CHECK_COMPILE_FLAG([-ftrivial-auto-var-init=zero],
	[HARDEN_CFLAGS="$HARDEN_CFLAGS -ftrivial-auto-var-init=zero"],
	[AX_APPEND_COMPILE_FLAGS([-ftrivial-auto-var-init=pattern],
		[HARDEN_CFLAGS], [-Werror])],
	[-Werror])
AX_APPEND_LINK_FLAGS([-Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack dnl
	-Wl,--as-needed], [HARDEN_LDFLAGS])
AS_IF([test "$enable_sanitize" = no && test "$enable_fuzz" = no], [
	# a distribution's own lower level would clash with ours
	HARDEN_CFLAGS="$HARDEN_CFLAGS -fPIE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3"
	HARDEN_LDFLAGS="$HARDEN_LDFLAGS -pie"
])
AC_SUBST([HARDEN_CFLAGS])
AC_SUBST([HARDEN_LDFLAGS])
])
