#ifndef FULDMAGT_CJEMALLOC_H
#define FULDMAGT_CJEMALLOC_H

/* What jemalloc reads when the process begins. */
extern const char *malloc_conf;

#endif
