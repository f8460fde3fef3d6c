#include "common/base/base.h"
#include "fcgi/garant/places.h"

#include <pthread.h>
#include <semaphore.h>

#include "common/base/address.h"
#include "common/base/mem.h"

#define WAIT_S 3

struct guest {
	char home[ADDRESS_SIZE];
};

static struct {
	sem_t running;
	pthread_mutex_t lock; /* of the guests, who run or wait */
	struct guest *guests;
	size_t count;
	size_t max;
} places = { .lock = PTHREAD_MUTEX_INITIALIZER };

void
places_start(unsigned running, unsigned waiting)
{
	sem_init(&places.running, 0, running);
	places.max = (size_t)running + waiting;
	places.guests = mem_array(places.max, sizeof(*places.guests));
	places.count = 0;
}

void
places_stop(void)
{
	sem_destroy(&places.running);
	mem_free(&places.guests);
}

static bool
enter(const struct guest *guest)
{
	size_t same = 0;
	bool enters;

	pthread_mutex_lock(&places.lock);
	for (size_t i = 0; i < places.count; i++)
		same += strcmp(places.guests[i].home, guest->home) == 0;
	enters = places.count < places.max && same < (places.max + 1) / 2;
	if (enters)
		places.guests[places.count++] = *guest;
	pthread_mutex_unlock(&places.lock);
	return enters;
}

static void
leave(const struct guest *guest)
{
	size_t i;

	pthread_mutex_lock(&places.lock);
	for (i = 0; strcmp(places.guests[i].home, guest->home) != 0; i++)
		ASSERT(i + 1 < places.count);
	places.guests[i] = places.guests[--places.count];
	pthread_mutex_unlock(&places.lock);
}

static bool
wait_to_run(void)
{
	struct timespec until;
	int rc;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += WAIT_S;
	do
		rc = sem_clockwait(&places.running, CLOCK_MONOTONIC, &until);
	while (rc < 0 && errno == EINTR);
	return rc == 0;
}

bool
places_take(const char *address)
{
	struct guest guest;

	address_home(guest.home, address);
	if (!enter(&guest))
		return false;
	if (wait_to_run())
		return true;
	leave(&guest);
	return false;
}

void
places_give(const char *address)
{
	struct guest guest;

	address_home(guest.home, address);
	sem_post(&places.running);
	leave(&guest);
}
