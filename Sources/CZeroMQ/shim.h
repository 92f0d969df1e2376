#ifndef TESSERA_CZEROMQ_SHIM_H
#define TESSERA_CZEROMQ_SHIM_H

#include <pthread.h>
#include <zmq.h>

/* The C library declares it only for _GNU_SOURCE, which the Swift importer does not set. */
extern int pthread_setname_np(pthread_t thread, const char *name);

#endif
