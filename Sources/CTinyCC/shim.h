// What Cinch's Runner takes from C: libtcc itself, and small inline functions for what Swift cannot say.
#ifndef CINCH_CTINYCC_SHIM_H
#define CINCH_CTINYCC_SHIM_H

#include <elf.h>       // the object files that libtcc writes
#include <libtcc.h>
#include <sys/mman.h>  // MADV_HUGEPAGE

#include "processor.h"
#include "workers.h"

#endif
