#include "CJemalloc.h"

/* Two pools of memory, on whatever machine, instead of four for each processor: librdkafka's threads give back what turns have
   taken, and what each pool keeps back is of no use to the others. */
const char *malloc_conf = "narenas:2";
