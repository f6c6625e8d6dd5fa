#ifndef FULDMAGT_SYNCFS_H
#define FULDMAGT_SYNCFS_H

/* Part of Linux's C library that its header shows only to who asks for GNU's extensions: waits until all that was written
   to the file system of an open file is on its disk. */
int syncfs(int descriptor);

#endif
