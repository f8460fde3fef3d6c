/* Addresses of clients, as text. */
#ifndef COMMON_BASE_ADDRESS_H
#define COMMON_BASE_ADDRESS_H

#define ADDRESS_SIZE 46

/*
 * What one customer has, to count by: an IPv4 address as it is; of an IPv6
 * address its first 64 bits, "2001:db8:0:1::", since the rest is his to choose
 * (RFC 6177). What is no address stays as it is, cut to ADDRESS_SIZE.
 */
void address_home(char out[ADDRESS_SIZE], const char *address);

#endif
