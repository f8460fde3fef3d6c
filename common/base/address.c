#include "common/base/base.h"
#include "common/base/address.h"

#include <arpa/inet.h>

#define NETWORK_BYTES 8

void
address_home(char out[ADDRESS_SIZE], const char *address)
{
	struct in6_addr a;

	if (inet_pton(AF_INET6, address, &a) == 1 &&
	    !IN6_IS_ADDR_V4MAPPED(&a)) {
		memset(a.s6_addr + NETWORK_BYTES, 0,
		    sizeof(a.s6_addr) - NETWORK_BYTES);
		ASSERT(inet_ntop(AF_INET6, &a, out, ADDRESS_SIZE) != NULL);
		return;
	}
	snprintf(out, ADDRESS_SIZE, "%s", address);
}
