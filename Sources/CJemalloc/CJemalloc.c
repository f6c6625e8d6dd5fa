#include "CJemalloc.h"

/* As many pools of memory as there are processors, instead of four times as many: librdkafka's threads give back what turns
   have taken, and what each pool keeps back is of no use to the others. */
const char *malloc_conf = "percpu_arena:percpu";
