/* What the master and its sockets know of each other. */
#ifndef FCGI_CORE_MASTER_H
#define FCGI_CORE_MASTER_H

/* "3,4;1001,1002,": descriptors of the sockets in the order of the pools and
 * the workers that the program before left */
#define MASTER_HANDOVER "DTR_HANDOVER"

#endif
