#ifndef CINCH_CTINYCC_SHIM_H
#define CINCH_CTINYCC_SHIM_H

#include <libtcc.h>

#endif
